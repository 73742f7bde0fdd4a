/// What a write changes of a row: column by column, before and after.
struct RowDifference {
    /// The row before; nil where the write makes it.
    let before: StoredRow?
    /// The row after; nil where the write removes it.
    let after: StoredRow?

    /// What only says when a row was written is no difference of its content.
    private static let stamps: Set = ["created_at", "updated_at"]

    /// A column whose value differs, with both values as people read them and as JSON.
    struct Column {
        let name: String
        let shown: (before: String, after: String)
        let json: (before: [UInt8], after: [UInt8])
    }

    /// The columns that differ. Of a row that comes or goes those that are not NULL or at their default.
    var columns: [Column] {
        guard let some = after ?? before else { return [] }
        return some.columns.indices.compactMap { index -> Column? in
            let column = some.columns[index]
            guard !RowDifference.stamps.contains(column.name) else { return nil }
            let (old, new) = (before?.texts[index], after?.texts[index])
            if before == nil || after == nil {
                guard let text = old ?? new, !RowDifference.isInitial(text, column) else { return nil }
            } else if old == new {
                return nil
            }
            return Column(
                name: column.name, shown: (before?.shown(at: index) ?? "-", after?.shown(at: index) ?? "-"),
                json: (
                    before?.json(at: index) ?? Array("null".utf8),
                    after?.json(at: index) ?? Array("null".utf8)
                ))
        }
    }

    private static func isInitial(_ text: String, _ column: TableColumn) -> Bool {
        switch column.kind {
        case .boolean: text.prefix(1) == column.initial?.prefix(1)
        case .text, .list, .json, .integer, .interval, .time: text == column.initial
        }
    }
}
