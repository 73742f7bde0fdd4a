import ArgumentParser
import Postgres

/// `poolgate rules show`.
struct RulesShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a rule with every column.",
        usage: "poolgate rules show ID [--json] [SETTINGS]")

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "ID")
        let id = try RuleIDs.read(try words.operands(1...1))[0]
        let row = try await AdminDatabase.read(try words.readSettings()) {
            transaction throws(PostgresError) -> StoredRow? in
            let rows = try await transaction.run(RowQueries.row(of: .rules, key: id))
            return rows.count > 0 ? StoredRow(rows, 0, columns: RowTable.rules.columns) : nil
        }
        guard let row else { throw AdminDatabase.missing(.rules, id) }
        if output.isJSON {
            Output.line(ShownText.ofJSON(String(decoding: row.json, as: UTF8.self)))
        } else {
            Output.table(RowListing.full(row))
        }
    }
}
