import ArgumentParser
import Postgres

/// `poolgate tenants list`.
struct TenantsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List tenants in the order of their hosts.",
        usage: "poolgate tenants list [PART] [--pool POOL] [--status STATUS] [--all] [--json] [SETTINGS]",
        discussion: """
            PART narrows the list to hosts that contain it. A table has the first \(Limits.tenantsListed) at most, unless \
            --all is given; JSON always has all of them, an array with a tenant a line.
            """)

    @Option(
        help: ArgumentHelp(
            "Only tenants of this pool, in any form in which one is printed.", valueName: "POOL"))
    var pool: String?

    @Option(help: "Only tenants with this status: active or suspended.")
    var status: String?

    @Flag(help: "Every tenant, however many there are.")
    var all = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "[PART]")
        let part = try words.operands(0...1).first
        let filter = TenantQueries.Filter(
            part: part, status: status, poolID: try pool.map { try PoolArgument.poolID($0) })
        let settings = try words.readSettings()
        let most = output.isJSON || all ? Int.max : Limits.tenantsListed
        if output.isJSON {
            var array = RowListing.JSONArray()
            _ = try await AdminDatabase.read(settings) { transaction throws(PostgresError) in
                try await TenantPages.read(&transaction, filter, atMost: most) { rows in
                    for row in rows { array.add(row.json) }
                }
            }
            array.finish()
        } else {
            var lines: [[String]] = []
            let total = try await AdminDatabase.read(settings) { transaction throws(PostgresError) in
                try await TenantPages.read(&transaction, filter, atMost: most) { rows in
                    lines += rows.map(Self.line)
                }
            }
            Output.table(
                TextTable(["HOST", "POOL", "STATUS", "UPSTREAM", "CHANGED", "COMMENT"], rows: lines))
            if lines.count < total {
                Output.line("\(total - lines.count) more: name a part of their hosts, or add --all")
            }
        }
    }

    private static func line(_ row: StoredRow) -> [String] {
        let pools = [row["pool_id"], row["second_pool_id"]].compactMap { $0 }.joined(separator: ", ")
        return [
            row["host"] ?? "-", pools, row["status"] ?? "-", row["upstream"] ?? "-",
            RowListing.distance(row.time("updated_at")), row["comment"] ?? "-",
        ]
    }
}

/// Tenants, some at a time, so that never all of them are in memory.
enum TenantPages {
    /// Gives the tenants to `each`, at most so many in all; returns how many there are.
    static func read(
        _ transaction: inout AdminTransaction, _ filter: TenantQueries.Filter, atMost most: Int,
        _ each: ([StoredRow]) -> Void
    ) async throws(PostgresError) -> Int {
        let count = try await transaction.run(TenantQueries.count(filter)).integer(0, 0) ?? 0
        var (left, last) = (most, String?.none)
        while left > 0 {
            let wanted = min(left, Limits.tenantsReadAtOnce)
            let rows = try await transaction.run(
                TenantQueries.page(filter, behind: last, atMost: wanted))
            let page = (0..<rows.count).map { StoredRow(rows, $0, columns: RowTable.tenants.columns) }
            each(page)
            last = page.last?["host"]
            left -= page.count
            if page.count < wanted { break }
        }
        return Int(count)
    }
}
