import ArgumentParser
import Postgres

/// `poolgate tenants add`.
struct TenantsAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Register a host with its user pool.",
        usage: """
            poolgate tenants add HOST POOL [COLUMN=VALUE]... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]
            """,
        discussion: """
            POOL is the pool in any form in which one is printed: its id, its ARN, its issuer. Its region is taken from \
            there. \(Assignments.help)
            """)

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST POOL [COLUMN=VALUE]...")
        let operands = try words.operands(2...)
        let poolID = try PoolArgument.poolID(operands[1])
        let assignments = try Assignments.read(
            Array(operands.dropFirst(2)),
            leading: [
                ("host", operands[0]), ("region", String(poolID.prefix { $0 != "_" })), ("pool_id", poolID),
            ], for: .tenants)
        let written = try await AdminDatabase.write(try words.readSettings(), options) {
            transaction throws(PostgresError) in
            let rows = try await transaction.run(RowQueries.insert(into: .tenants, assignments.values))
            let row = StoredRow(rows, 0, columns: RowTable.tenants.columns)
            return .done([RowChange(.tenants, before: nil, after: row)], until: .host(operands[0]))
        }
        WriteReport(written, isTrial: options.dryRun).show(output)
    }
}
