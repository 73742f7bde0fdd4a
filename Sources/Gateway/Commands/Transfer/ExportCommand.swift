import ArgumentParser
import Postgres

/// `poolgate export`.
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print every tenant as CSV, as 'poolgate import' reads it.",
        usage: "poolgate export [PART] [--pool POOL] [--status STATUS] [--json] [SETTINGS]",
        discussion: """
            Prints every column that an admin writes, in the order of the hosts, as one state of the database has them; with \
            --json one object a line. PART, --pool and --status narrow it, as in 'poolgate tenants list'. Rules are not part \
            of it: 'poolgate rules list HOST --json' has them.
            """)

    @Option(
        help: ArgumentHelp(
            "Only tenants of this pool, in any form in which one is printed.", valueName: "POOL"))
    var pool: String?

    @Option(help: "Only tenants with this status: active or suspended.")
    var status: String?

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "[PART]")
        let part = try words.operands(0...1).first
        let filter = TenantQueries.Filter(
            part: part, status: status, poolID: try pool.map { try PoolArgument.poolID($0) })
        let isRead = Output.isRead
        let header = json ? [] : CSVWriter.record(RowTable.tenants.writable.map(\.name))
        _ = try await AdminDatabase.read(try words.readSettings()) { transaction throws(PostgresError) in
            put(header, isRead)
            return try await TenantPages.read(&transaction, filter, atMost: Int.max) { rows in
                var bytes: [UInt8] = []
                for row in rows {
                    bytes +=
                        json ? row.writable.json + [UInt8(ascii: "\n")] : CSVWriter.record(row.writable.texts)
                }
                put(bytes, isRead)
            }
        }
    }

    /// Prints lines. What a person reads on a terminal cannot drive it; what goes elsewhere is exact.
    private func put(_ lines: [UInt8], _ isRead: Bool) {
        guard isRead || json else {
            Output.bytes(lines)
            return
        }
        let text = String(decoding: lines, as: UTF8.self)
        for line in text.split(separator: "\n") {
            Output.line(json ? ShownText.ofJSON(String(line)) : ShownText.line(String(line)))
        }
    }
}

extension StoredRow {
    /// The row with the columns that an admin writes, and no others.
    fileprivate var writable: StoredRow {
        let places = columns.indices.filter { columns[$0].writer != .database }
        return StoredRow(
            columns: places.map { columns[$0] },
            texts: places.map { index in
                guard columns[index].kind == .boolean, let text = texts[index] else { return texts[index] }
                return text == "t" ? "true" : "false"
            })
    }
}
