import ArgumentParser
import Gatekeeper
import Postgres

/// `poolgate rules list`.
struct RulesListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the rules of a host in the order in which they match.",
        usage: "poolgate rules list HOST [--json] [SETTINGS]",
        discussion: "HOST is a host as clients write it, or a wildcard as its row has it.")

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST")
        let host = try words.operands(1...1)[0].lowercased()
        let found = try await AdminDatabase.read(try words.readSettings()) {
            transaction throws(PostgresError) in
            try await HostRules.read(host, &transaction)
        }
        guard let found else { throw AdminDatabase.missing(.tenants, host) }
        if output.isJSON {
            var array = RowListing.JSONArray()
            for row in found.rows { array.add(row.json) }
            array.finish()
        } else {
            show(found, asked: host)
        }
        if case .failure(let flaw) = found.trial {
            Output.complaint("no gateway can serve these rules: \(ShownText.line(flaw.description))")
            throw ExitCode.failure
        }
    }

    private func show(_ found: HostRules, asked host: String) {
        if found.host != host {
            Output.line("\(ShownText.line(host)) is served by \(ShownText.line(found.host))")
        }
        guard !found.rows.isEmpty else {
            Output.line("no rules: every path needs a token")
            return
        }
        Output.table(
            TextTable(
                ["ID", "PATH", "METHODS", "ACCESS", "NEEDS", "SHADOW", "COMMENT"],
                rows: found.rows.map { row in
                    [
                        row["id"] ?? "-", row["path_prefix"] ?? "-", shown("methods", row) ?? "every other",
                        row["access"] ?? "-", HostRules.needs(row), row["shadow"] == "t" ? "yes" : "-",
                        row["comment"] ?? "-",
                    ]
                }))
    }

    private func shown(_ name: String, _ row: StoredRow) -> String? {
        row[name] == nil ? nil : row.columns.firstIndex { $0.name == name }.map { row.shown(at: $0) }
    }
}
