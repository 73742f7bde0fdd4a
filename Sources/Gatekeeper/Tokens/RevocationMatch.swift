/// An entry of `poolgate.revocations` that covers a token, and by what.
package struct RevocationMatch: Sendable, Hashable {
    /// The row's `id`.
    package let id: Int64
    /// The column that names the token's id; nil where the whole pool is revoked.
    package let column: String?

    /// Which entry it is, for a sentence.
    package var words: String { "entry \(id), by \(column.map { "its \($0)" } ?? "its pool")," }
}
