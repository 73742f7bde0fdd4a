import ArgumentParser
import Gatekeeper
import Postgres

/// `poolgate tenants show`.
struct TenantsShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the tenant that serves a host, its rules, and how it is doing.",
        usage: "poolgate tenants show HOST [--json] [SETTINGS]",
        discussion: "HOST is a host as clients write it, or a wildcard as its row has it.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    /// How the tenant is doing on one gateway.
    private struct State {
        let instance: String?
        let state: String
        let detail: String?
        let keys: Int64
        let since: Instant?
    }

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST")
        let host = try words.operands(1...1)[0].lowercased()
        let found = try await AdminDatabase.read(try words.readSettings()) {
            transaction throws(PostgresError) -> (row: StoredRow, rules: Int, states: [State])? in
            let rows = try await transaction.run(TenantQueries.serving(host))
            guard rows.count > 0 else { return nil }
            let row = StoredRow(rows, 0, columns: RowTable.tenants.columns)
            let own = row["host"] ?? host
            let rules = try await transaction.run(RuleQueries.rules(of: own)).count
            let states = try Self.states(try await transaction.run(TenantQueries.status(of: own)))
            return (row, rules, states)
        }
        guard let found else { throw AdminDatabase.missing(.tenants, host) }
        if output.isJSON {
            Output.line(ShownText.ofJSON(String(decoding: json(found), as: UTF8.self)))
        } else {
            show(host, found)
        }
    }

    private static func states(_ rows: PostgresRows) throws(PostgresError) -> [State] {
        var states: [State] = []
        for row in 0..<rows.count {
            states.append(
                State(
                    instance: rows.text(row, 0), state: rows.text(row, 1) ?? "", detail: rows.text(row, 2),
                    keys: try rows.integer(row, 3) ?? 0,
                    since: try rows.integer(row, 4).map { Instant(nanoseconds: $0 &* 1_000_000) }))
        }
        return states
    }

    private func show(_ host: String, _ found: (row: StoredRow, rules: Int, states: [State])) {
        let own = found.row["host"] ?? host
        if own != host { Output.line("\(ShownText.line(host)) is served by \(ShownText.line(own))") }
        Output.table(RowListing.full(found.row))
        Output.line("")
        Output.line(
            found.rules == 0
                ? "no rules: every path needs a token"
                : "\(found.rules) \(found.rules == 1 ? "rule" : "rules"): poolgate rules list \(ShownText.line(own))"
        )
        Output.line("")
        Output.table(
            TextTable(
                ["GATEWAY", "STATE", "SINCE", "KEYS", "DETAIL"],
                rows: found.states.map {
                    [$0.instance ?? "-", $0.state, RowListing.time($0.since), "\($0.keys)", $0.detail ?? "-"]
                }))
    }

    private func json(_ found: (row: StoredRow, rules: Int, states: [State])) -> [UInt8] {
        var json = Array(found.row.json.dropLast())
        json += ",\"rules\":\(found.rules),\"gateways\":[".utf8
        for (number, state) in found.states.enumerated() {
            if number > 0 { json.append(UInt8(ascii: ",")) }
            let row = StoredRow(
                columns: [
                    TableColumn("instance", .text), TableColumn("state", .text), TableColumn("detail", .text),
                    TableColumn("keys", .integer), TableColumn("since", .time),
                ],
                texts: [
                    state.instance, state.state, state.detail, String(state.keys),
                    state.since.map { String($0.nanoseconds / 1_000_000) },
                ])
            json += row.json
        }
        json += "]}".utf8
        return json
    }
}
