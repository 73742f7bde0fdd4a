import Gatekeeper
import Postgres

/// A row of a table as the database tells it, each value as text.
struct StoredRow: Equatable {
    /// The table's columns.
    let columns: [TableColumn]
    /// A text for each column, nil for NULL: that of a list as Postgres writes it, that of a time in milliseconds since 1970.
    let texts: [String?]

    /// A row of these texts, one for each column.
    init(columns: [TableColumn], texts: [String?]) {
        self.columns = columns
        self.texts = texts
    }

    /// Row `row` of a result that has the columns from `first` on, as `RowQueries.list` names them.
    init(_ rows: PostgresRows, _ row: Int, columns: [TableColumn], from first: Int = 0) {
        self.columns = columns
        self.texts = columns.indices.map { rows.text(row, first + $0) }
    }

    /// The text of a column; nil for NULL, and for a column that is none of the row's.
    subscript(_ name: String) -> String? {
        columns.firstIndex { $0.name == name }.flatMap { texts[$0] }
    }

    /// The instant of a column that holds one.
    func time(_ name: String) -> Instant? {
        self[name].flatMap(StoredRow.instant)
    }

    /// The value of the column at `index` as JSON (RFC 8259).
    func json(at index: Int) -> [UInt8] {
        var json: [UInt8] = []
        guard let text = texts[index] else { return Array("null".utf8) }
        switch columns[index].kind {
        case .json, .integer: json = Array(text.utf8)
        case .boolean: json = Array((text == "t" || text == "true" ? "true" : "false").utf8)
        case .list:
            json.append(UInt8(ascii: "["))
            for (place, element) in (TextArray.parsed(text) ?? [text]).enumerated() {
                if place > 0 { json.append(UInt8(ascii: ",")) }
                if let element { JSONWords.append(element.utf8, to: &json) } else { json += "null".utf8 }
            }
            json.append(UInt8(ascii: "]"))
        case .time: JSONWords.append((StoredRow.instant(text)?.timestamp ?? text).utf8, to: &json)
        case .text, .interval: JSONWords.append(text.utf8, to: &json)
        }
        return json
    }

    /// The row as a JSON object, a member for each column, in one line.
    var json: [UInt8] {
        var json: [UInt8] = [UInt8(ascii: "{")]
        for (index, column) in columns.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            JSONWords.append(column.name.utf8, to: &json)
            json.append(UInt8(ascii: ":"))
            json += self.json(at: index)
        }
        json.append(UInt8(ascii: "}"))
        return json
    }

    /// The value of the column at `index` for people: a list with commas, a truth value as a word, NULL as a dash.
    func shown(at index: Int) -> String {
        guard let text = texts[index] else { return "-" }
        switch columns[index].kind {
        case .text: return text.isEmpty ? "\"\"" : text
        case .json, .integer, .interval: return text
        case .boolean: return text == "t" || text == "true" ? "true" : "false"
        case .list:
            guard let elements = TextArray.parsed(text),
                !elements.contains(where: { $0?.contains(",") != false })
            else { return text }
            return elements.isEmpty ? "{}" : elements.compactMap { $0 }.joined(separator: ", ")
        case .time: return StoredRow.instant(text)?.timestamp ?? text
        }
    }

    private static func instant(_ milliseconds: String) -> Instant? {
        guard let number = Int64(milliseconds) else { return nil }
        let (nanoseconds, isTooLarge) = number.multipliedReportingOverflow(by: 1_000_000)
        return isTooLarge ? nil : Instant(nanoseconds: nanoseconds)
    }
}
