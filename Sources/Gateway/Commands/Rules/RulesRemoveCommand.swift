import ArgumentParser
import Postgres

/// `poolgate rules remove`.
struct RulesRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove rules.",
        usage: "poolgate rules remove ID... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]",
        discussion: "Of several rules all are removed, or none. A path without a rule needs a token.")

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "ID...")
        let ids = try RuleIDs.read(try words.operands(1...))
        let written = try await AdminDatabase.write(try words.readSettings(), options) {
            transaction throws(PostgresError) in
            var changes: [RowChange] = []
            for id in ids {
                let rows = try await transaction.run(RowQueries.delete(from: .rules, key: id))
                guard rows.count > 0 else { return .missing(.rules, key: id) }
                changes.append(
                    RowChange(.rules, before: StoredRow(rows, 0, columns: RowTable.rules.columns), after: nil)
                )
            }
            return .done(
                changes, until: .host(changes.first.flatMap { $0.difference.before?["host"] } ?? ""))
        }
        WriteReport(written, isTrial: options.dryRun).show(output)
    }
}
