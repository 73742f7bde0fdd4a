import ArgumentParser
import Postgres

/// Values for columns, as a command is given them: `COLUMN=VALUE` words.
struct Assignments {
    /// The columns with their values, nil being NULL, in the order of the words.
    private(set) var values: [(column: TableColumn, text: String?)] = []

    /// Why words are no assignments, as a sentence without its full stop.
    struct Flaw: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// What is said of `COLUMN=VALUE` words in the help of each command that takes them.
    static let help = """
        COLUMN=VALUE sets a column of sql/README.md: 'upstream=http://10.0.0.5:8080', 'client_ids=a,b', \
        'claim_headers={"X-Plan": "custom:plan"}', 'max_token_age=8 hours'. COLUMN=null is NULL, and COLUMN= the column's \
        default. A list has commas between its elements, or a word for each, or braces as in Postgres, where an element has \
        a comma in it: 'required_groups={"ops,night"}'.
        """

    /// Reads the words for a table.
    ///
    /// `COLUMN=null` is NULL, `COLUMN=` the column's default. A list is written with commas between its elements, or by one
    /// word for each, or as Postgres writes it: `{a,"b,c"}`.
    init(_ words: [String], for table: RowTable) throws(Flaw) {
        var texts: [(column: TableColumn, texts: [String])] = []
        for word in words {
            guard let mark = word.firstIndex(of: "=") else {
                throw Flaw(
                    description:
                        "\(Printable.value(word)) is no COLUMN=VALUE: write such as \(table.writable.last?.name ?? "")=TEXT"
                )
            }
            let column = try Assignments.column(String(word[..<mark]), of: table)
            let text = String(word[word.index(after: mark)...])
            guard let index = texts.firstIndex(where: { $0.column == column }) else {
                texts.append((column, [text]))
                continue
            }
            let isList = column.kind == .list && !["", "null"].contains(text) && !text.hasPrefix("{")
            guard isList, !["", "null"].contains(texts[index].texts[0]), !texts[index].texts[0].hasPrefix("{")
            else {
                throw Flaw(description: "\(column.name) is given twice")
            }
            texts[index].texts.append(text)
        }
        values = texts.map { ($0.column, Assignments.value($0.texts, $0.column)) }
    }

    /// Puts a value for a column in front; the words may not name the column as well.
    private mutating func lead(_ name: String, _ text: String, of table: RowTable) throws(Flaw) {
        let column = try Assignments.column(name, of: table)
        guard !values.contains(where: { $0.column == column }) else {
            throw Flaw(description: "\(column.name) is given twice")
        }
        values.insert((column, text), at: 0)
    }

    /// Reads the words of a command; prints what is wrong with them, and throws the exit status of a wrong use. Columns in
    /// `leading` come first, with these values, and may not be among the words.
    static func read(
        _ words: [String], leading: [(name: String, text: String)] = [], for table: RowTable
    ) throws(ExitCode) -> Assignments {
        do throws(Flaw) {
            var assignments = try Assignments(words, for: table)
            for (name, text) in leading.reversed() { try assignments.lead(name, text, of: table) }
            return assignments
        } catch {
            Output.complaint(error.description)
            throw .usage
        }
    }

    private static func value(_ texts: [String], _ column: TableColumn) -> String? {
        if texts == ["null"] { return nil }
        if texts == [""] { return column.initial }
        return column.kind == .list ? ColumnText.list(texts) : texts.first
    }

    private static func column(_ name: String, of table: RowTable) throws(Flaw) -> TableColumn {
        guard let column = table.column(name) else {
            let nearest = Resemblance.nearest(to: name, among: table.writable.map(\.name))
            throw Flaw(
                description: "poolgate.\(table.name) has no column \(Printable.value(name))"
                    + (nearest.map { "; did you mean '\($0)'?" }
                        ?? ": sql/README.md and '\\d+ poolgate.\(table.name)' list them"))
        }
        guard column.writer != .database else {
            throw Flaw(description: "\(name) is written by the database alone")
        }
        return column
    }
}
