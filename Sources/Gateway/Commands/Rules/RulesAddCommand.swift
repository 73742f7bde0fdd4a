import ArgumentParser
import Postgres

/// `poolgate rules add`.
struct RulesAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a rule for a path of a host, and everything below it.",
        usage: """
            poolgate rules add HOST PATH [COLUMN=VALUE]... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]
            """,
        discussion: """
            HOST is as the tenant's row has it. Such as 'poolgate rules add acme.example.com /public access=public', or \
            'poolgate rules add acme.example.com /admin required_groups=admins,owners shadow=true'. \
            \(Assignments.help)
            """)

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST PATH [COLUMN=VALUE]...")
        let operands = try words.operands(2...)
        let assignments = try Assignments.read(
            Array(operands.dropFirst(2)), leading: [("host", operands[0]), ("path_prefix", operands[1])],
            for: .rules)
        let written = try await AdminDatabase.write(try words.readSettings(), options) {
            transaction throws(PostgresError) in
            let rows = try await transaction.run(RowQueries.insert(into: .rules, assignments.values))
            let row = StoredRow(rows, 0, columns: RowTable.rules.columns)
            return .done([RowChange(.rules, before: nil, after: row)], until: .host(operands[0]))
        }
        WriteReport(written, isTrial: options.dryRun).show(output)
    }
}
