import HTTPMessage

/// What one path of a host asks of its callers: a row of `poolgate.rules` that was parsed once, and never changes.
///
/// A class, so that to hand on the rule that decides counts one reference, and not one for each of its lists.
package final class Rule: Sendable {
    /// The row's `id`.
    package let id: Int64
    /// The row's `path_prefix` as it is written, for people.
    let written: [UInt8]
    /// The prefix wholly decoded: `/`, or a path without a slash at its end.
    let prefix: [UInt8]
    /// The methods that the rule is for; nil is every method that no other rule of the prefix names.
    let methods: [[UInt8]]?
    /// Whether a token is needed.
    package let access: Access
    /// The caller must be in one of these groups; nil asks for none.
    let requiredGroups: [[UInt8]]?
    /// The caller must be in all of these groups.
    let everyGroup: [[UInt8]]
    /// The token must have one of these scopes; nil asks for none.
    let requiredScopes: [[UInt8]]?
    /// The token must have all of these scopes.
    let everyScope: [[UInt8]]
    /// The token's claims must meet all of these.
    let claims: [ClaimCondition]
    /// Whether the rule is in shadow: it refuses nobody, and what it would have refused is reported.
    package let isShadow: Bool

    /// A rule of a row with these columns.
    init(
        id: Int64, written: [UInt8], prefix: [UInt8], methods: [[UInt8]]?, access: Access,
        requiredGroups: [[UInt8]]?, everyGroup: [[UInt8]], requiredScopes: [[UInt8]]?, everyScope: [[UInt8]],
        claims: [ClaimCondition], isShadow: Bool
    ) {
        self.id = id
        self.written = written
        self.prefix = prefix
        self.methods = methods
        self.access = access
        self.requiredGroups = requiredGroups
        self.everyGroup = everyGroup
        self.requiredScopes = requiredScopes
        self.everyScope = everyScope
        self.claims = claims
        self.isShadow = isShadow
    }

    /// Whether a rule needs a token.
    package enum Access: String, Sendable {
        /// None is needed, and none is looked at.
        case `public`
        /// None is needed, and a bad one is refused.
        case optional
        /// A good token is needed.
        case authenticated
    }

    /// The prefix as text, for logs and people.
    package var prefixText: String { String(decoding: written, as: UTF8.self) }

    /// The methods as text, for logs and people.
    package var methodsText: String {
        methods.map { $0.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ") }
            ?? "every method"
    }

    /// Whether both are for the same prefix and one method at least, so that nobody could say which of them decides.
    func isForSame(as other: Rule) -> Bool {
        guard prefix == other.prefix, isShadow == other.isShadow else { return false }
        guard let methods, let others = other.methods else { return methods == nil && other.methods == nil }
        return methods.contains { others.contains($0) }
    }

    /// What the rule asks of its callers, in words.
    package var needs: String {
        var words: [String] = []
        func add(_ word: String, _ names: [[UInt8]]?) {
            guard let names, !names.isEmpty else { return }
            words.append(
                "\(word) \(names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", "))")
        }
        add("any group of", requiredGroups)
        add("every group of", everyGroup)
        add("any scope of", requiredScopes)
        add("every scope of", everyScope)
        words += claims.map(\.description)
        return words.isEmpty ? "nothing" : words.joined(separator: "; ")
    }

    /// Whether the rule's prefix covers a wholly decoded path: the path is the prefix, or goes on behind it with a slash.
    func covers(_ path: UnsafeRawBufferPointer) -> Bool {
        guard prefix.count > 1 else { return true }
        guard path.count >= prefix.count, path.count == prefix.count || path[prefix.count] == ASCII.slash
        else { return false }
        return prefix.withUnsafeBytes {
            UnsafeRawBufferPointer.areEqual($0, UnsafeRawBufferPointer(rebasing: path[..<prefix.count]))
        }
    }

    /// Whether the rule is for a method; a rule for GET is for HEAD too.
    func covers(method: UnsafeRawBufferPointer) -> Bool {
        guard let methods else { return true }
        return methods.contains { $0.elementsEqual(method) }
            || (method.elementsEqual("HEAD".utf8) && methods.contains { $0.elementsEqual("GET".utf8) })
    }

    /// Which of two rules for one prefix is looked at first, the higher rank: one that names HEAD comes before one that
    /// covers it by GET, and one that names methods before one that names none.
    var rank: Int {
        guard let methods else { return 0 }
        return methods.contains { $0.elementsEqual("HEAD".utf8) } ? 2 : 1
    }
}
