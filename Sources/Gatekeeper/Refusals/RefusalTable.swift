/// The table of refusals as the documents have it, in Markdown: one line for each code, by status.
///
/// What several refusals share a line of is told apart by the `detail` of the log, whose words stand beside the code.
package enum RefusalTable {
    /// The lines of the table, its head included, without a line end.
    package static var lines: [String] {
        var rows: [RefusalRow] = []
        for refusal in Refusal.allCases where !rows.contains(refusal.row) { rows.append(refusal.row) }
        let byStatus = RefusalStatus.allCases.flatMap { status in rows.filter { $0.status == status } }
        return [
            "| status | `error`: what the client is told | `code` in the log | when | what to do |",
            "| --- | --- | --- | --- | --- |",
        ] + byStatus.map(line)
    }

    private static func line(_ row: RefusalRow) -> String {
        let cells = [
            status(row), "`\(row.error)`: \(row.description)",
            code(row), row.meaning, row.remedy,
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    /// The code, and what `detail` may say beside it.
    private static func code(_ row: RefusalRow) -> String {
        let word = row.code.utf8.elementsEqual(row.error.utf8) ? "same" : "`\(row.code)`"
        let details = Refusal.allCases.filter { $0.row == row }.compactMap(\.detail?.text)
        guard details.count > 1 else { return word }
        return word + "; `detail` is " + details.map { "`\($0)`" }.joined(separator: ", ")
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
