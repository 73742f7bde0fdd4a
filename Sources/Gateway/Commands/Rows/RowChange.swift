/// One row that a command wrote, or looked at in order to write it.
struct RowChange {
    /// The table that the row is of.
    let table: RowTable
    /// The row before, and after.
    let difference: RowDifference

    /// A row that was `before` and is `after`; nil where there is none.
    init(_ table: RowTable, before: StoredRow?, after: StoredRow?) {
        self.table = table
        self.difference = RowDifference(before: before, after: after)
    }

    /// The row's key as it is now, or was: a host, or a number.
    var key: String {
        let row = difference.after ?? difference.before
        return table.columns.first.flatMap { row?[$0.name] } ?? ""
    }

    /// What was done to it.
    var operation: Operation {
        switch (difference.before, difference.after) {
        case (nil, _): .insert
        case (_, nil): .delete
        case (_?, _?): difference.columns.isEmpty ? .none : .update
        }
    }

    /// What can be done to a row.
    enum Operation: String {
        case insert, update, delete
        /// It was so already.
        case none
    }
}
