import HTTPMessage

/// A user pool's id, `{region}_{letters and digits}` (Cognito `CreateUserPool`, `Id`).
package struct PoolID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// As Cognito writes it.
    package let description: String

    /// Parses an id; nil where it has another shape. `PoolName` compares the region that it begins with.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Limits.poolIDBytes, let mark = bytes.firstIndex(of: ASCII.underscore) else {
            return nil
        }
        let name = bytes[(mark + 1)...]
        guard Region(String(decoding: bytes[..<mark], as: UTF8.self)) != nil,
            !name.isEmpty, name.allSatisfy(ASCII.isLetterOrDigit)
        else { return nil }
        self.description = text
    }

    /// The region that the id begins with: the pool's primary region.
    package var regionPrefix: Substring {
        description.prefix { $0 != "_" }
    }

    /// Whether `left` comes before `right` by its bytes.
    package static func < (left: PoolID, right: PoolID) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}
