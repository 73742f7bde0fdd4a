/// Kinds of token, by their `token_use` (Cognito developer guide, "Understanding user pool JWTs").
package struct TokenUses: OptionSet, Hashable, Sendable {
    /// One bit a kind.
    package let rawValue: UInt8

    /// The kinds with these bits.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Access tokens.
    package static let access = TokenUses(rawValue: 1)
    /// ID tokens.
    package static let id = TokenUses(rawValue: 2)

    /// The one kind called `name`; nil for any other word.
    init?(name: some Sequence<UInt8>) {
        if name.elementsEqual("access".utf8) {
            self = .access
        } else if name.elementsEqual("id".utf8) {
            self = .id
        } else {
            return nil
        }
    }

    /// The names, as a row says them.
    package var names: [String] { (contains(.access) ? ["access"] : []) + (contains(.id) ? ["id"] : []) }
}
