import Testing

@testable import Gateway

@Suite struct RowDifferenceTests {
    private let columns = [
        TableColumn("host", .text, .required), TableColumn("client_ids", .list),
        TableColumn("forward_token", .boolean, initial: "true"),
        TableColumn("claim_headers", .json, initial: "{}"),
        TableColumn("max_body_bytes", .integer), TableColumn("updated_at", .time, .database),
    ]

    private func row(_ texts: String?...) -> StoredRow { StoredRow(columns: columns, texts: texts) }

    private func json(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("Of an update the columns that differ are told, before and after, but for its stamps")
    func update() {
        let change = RowChange(
            .tenants, before: row("a", nil, "t", "{}", "5", "1000"),
            after: row("a", #"{b,"c d"}"#, "f", "{}", nil, "2000"))
        #expect(change.operation == .update)
        let found = change.difference.columns
        #expect(found.map(\.name) == ["client_ids", "forward_token", "max_body_bytes"])
        #expect(found.map(\.shown.before) == ["-", "true", "5"])
        #expect(found.map(\.shown.after) == ["b, c d", "false", "-"])
        #expect(found.map { json($0.json.after) } == [#"["b","c d"]"#, "false", "null"])
    }

    @Test("A row that is written as it was has no difference")
    func same() {
        let change = RowChange(
            .tenants, before: row("a", nil, "t", "{}", "5", "1000"),
            after: row("a", nil, "t", "{}", "5", "2000"))
        #expect(change.operation == .none && change.difference.columns.isEmpty && change.key == "a")
    }

    @Test("Of a row that comes or goes what is not at its default is told")
    func comesAndGoes() {
        let row = row("a", nil, "t", "{}", "5", "1000")
        let added = RowChange(.tenants, before: nil, after: row)
        let removed = RowChange(.tenants, before: row, after: nil)
        #expect(added.operation == .insert && removed.operation == .delete && removed.key == "a")
        #expect(added.difference.columns.map(\.name) == ["host", "max_body_bytes"])
        #expect(removed.difference.columns.map(\.name) == ["host", "max_body_bytes"])
    }

    @Test("A row is JSON with each column in its own type, whatever its texts hold")
    func rowAsJSON() {
        let row = row("a\u{1B}\"\n", "{}", "f", #"{"X-A": "b"}"#, "12", "1764140400123")
        #expect(
            json(row.json)
                == #"{"host":"a\u001b\"\n","client_ids":[],"forward_token":false,"claim_headers":{"X-A": "b"},"#
                + #""max_body_bytes":12,"updated_at":"2025-11-26T07:00:00.123Z"}"#)
    }

    @Test("A list whose elements hold commas is shown as Postgres writes it")
    func listsWithCommas() {
        #expect(row("a", #"{"b,c",d}"#, "t", "{}", nil, nil).shown(at: 1) == #"{"b,c",d}"#)
        #expect(row("a", "{}", "t", "{}", nil, nil).shown(at: 1) == "{}")
    }
}
