import Postgres

/// What somebody wrote as the value of a column, on the command line or in a file, as the database takes it.
enum ColumnText {
    /// The values of a list in Postgres' own form, made of what was written: that form itself, `{a,"b,c"}`, or the elements
    /// with commas between them. What begins with a brace and is no list is left to the database to refuse.
    static func list(_ texts: [String]) -> String {
        if texts.count == 1, let text = texts.first, text.hasPrefix("{") { return text }
        let elements = texts.flatMap { text in
            text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
        }
        return TextArray.encoded(elements)
    }

    /// The value of a field of a file. An empty field is the column's default, but where a text stands in quotes: that is an
    /// empty text.
    static func ofField(_ field: CSVField, _ column: TableColumn) -> String? {
        if field.text.isEmpty, !field.isQuoted || column.kind != .text { return column.initial }
        return column.kind == .list ? list([field.text]) : field.text
    }
}

extension StringProtocol {
    /// Without the blanks around it.
    var trimmed: SubSequence {
        var rest = self[...]
        rest = rest.drop { $0 == " " || $0 == "\t" }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}
