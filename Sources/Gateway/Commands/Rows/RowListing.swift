import Gatekeeper

/// Rows as commands print them: one by one as JSON, or a single one in full.
enum RowListing {
    /// A time column's instant with its distance from now; a dash for none.
    static func time(_ instant: Instant?) -> String {
        instant.map { PersonTime($0, now: .now).description } ?? "-"
    }

    /// How far an instant is from now; a dash for none.
    static func distance(_ instant: Instant?) -> String {
        instant.map { PersonTime($0, now: .now).distance } ?? "-"
    }

    /// A row in full: each column on a line.
    static func full(_ row: StoredRow) -> TextTable {
        TextTable(
            ["COLUMN", "VALUE"],
            rows: row.columns.enumerated().map { index, column in
                [column.name, column.kind == .time ? time(row.time(column.name)) : row.shown(at: index)]
            })
    }

    /// Prints texts of JSON values as one array, a value a line, as they come.
    struct JSONArray {
        private var isEmpty = true

        /// Prints the next value.
        mutating func add(_ value: [UInt8]) {
            Output.line((isEmpty ? "[" : ",") + ShownText.ofJSON(String(decoding: value, as: UTF8.self)))
            isEmpty = false
        }

        /// Prints the array's end.
        func finish() {
            Output.line(isEmpty ? "[]" : "]")
        }
    }
}
