import ArgumentParser
import Postgres

/// `poolgate tenants remove`.
struct TenantsRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove tenants with their rules: their hosts are 421 from then on.",
        usage:
            "poolgate tenants remove HOST... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]",
        discussion: """
            Asks nothing, and says what was removed. The history keeps the rows: sql/README.md, "Bring back what was \
            deleted". Of several hosts all are removed, or none.
            """)

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST...")
        let hosts = try words.operands(1...)
        let written = try await AdminDatabase.write(try words.readSettings(), options) {
            transaction throws(PostgresError) in
            var changes: [RowChange] = []
            for host in hosts {
                let rules = try await transaction.run(RuleQueries.delete(of: host))
                let rows = try await transaction.run(RowQueries.delete(from: .tenants, key: host))
                guard rows.count > 0 else { return .missing(.tenants, key: host) }
                for (table, rows) in [(RowTable.rules, rules), (RowTable.tenants, rows)] {
                    changes += (0..<rows.count).map {
                        RowChange(table, before: StoredRow(rows, $0, columns: table.columns), after: nil)
                    }
                }
            }
            return .done(changes, until: .host(hosts[0]))
        }
        let remark = hosts.count == 1 ? "the host is" : "the hosts are"
        WriteReport(
            written, isTrial: options.dryRun,
            remarks: options.dryRun
                ? [] : ["\(remark) 421 from now on; what was removed is in poolgate.tenant_history"]
        ).show(output)
    }
}
