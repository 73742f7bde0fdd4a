/// A key of a set that is left out, and why.
package struct SkippedKey: Sendable, Equatable {
    /// Escaped for logs; nil where it is absent or unreadable.
    package let keyID: String?
    /// A sentence without its full stop.
    package let reason: String
}
