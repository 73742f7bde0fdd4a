/// The table of refusals as the documents have it, in Markdown: one line for each code, by status.
package enum RefusalTable {
    /// The lines of the table, its head included, without a line end.
    package static var lines: [String] {
        var rows: [RefusalRow] = []
        for refusal in Refusal.allCases where !rows.contains(refusal.row) { rows.append(refusal.row) }
        // Sorting keeps the order of the families within a status.
        rows.sort { $0.status.code < $1.status.code }
        return [
            "| status | `error`: what the client is told | `code` in the log | when | what to do |",
            "| --- | --- | --- | --- | --- |",
        ] + rows.map(line)
    }

    private static func line(_ row: RefusalRow) -> String {
        let cells = [
            status(row), "`\(row.error)`: \(row.description)",
            row.code.utf8.elementsEqual(row.error.utf8) ? "same" : "`\(row.code)`", row.meaning, row.remedy,
        ]
        return "| " + cells.map { $0.isEmpty ? "–" : $0 }.joined(separator: " | ") + " |"
    }

    /// The status with what goes with it: the error of the challenge, further fields.
    private static func status(_ row: RefusalRow) -> String {
        var words = ["\(row.status.code)"]
        switch row.challenge {
        case .none: break
        case .bare: words.append("`WWW-Authenticate` without `error`")
        case .error(let error): words.append("`error=\"\(error)\"`")
        }
        words += row.fields.map { "`\($0.name): \($0.value)`" }
        return words.joined(separator: ", ")
    }
}
