import ArgumentParser
import ControlPlane
import Gatekeeper

/// `poolgate pools`: the user pools of a running gateway, as its admin port tells them; and keys withdrawn by SQL.
struct PoolsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pools",
        abstract: "Show the user pools of a running gateway: their keys, ages and errors; withdraw a key.",
        usage: """
            poolgate pools [--refresh POOL] [SETTINGS]
            poolgate pools (--withdraw KID [--reason TEXT] | --lift KID) [--pool POOL] [--actor NAME] [--dry-run]
                [SETTINGS]
            """,
        discussion: """
            Asks the gateway at --admin-listen, with --admin-token where that is set.

            --withdraw has every gateway refuse tokens of a key at once, whatever its pool publishes, until --lift. Both
            write to the database at --database-url, and wait until all gateways have heard of it.

            A POOL is \(PoolReference.forms).
            """)

    @Option(help: ArgumentHelp("Fetch the keys of this pool at once.", valueName: "POOL"))
    var refresh: String?

    @Option(help: ArgumentHelp("Trust the key of this name no more.", valueName: "KID"))
    var withdraw: String?

    @Option(help: ArgumentHelp("Trust the key of this name again.", valueName: "KID"))
    var lift: String?

    @Option(
        help: ArgumentHelp(
            "The pool whose key it is; needed where no gateway, or more than one pool, has the key.",
            valueName: "POOL"))
    var pool: String?

    @Option(help: ArgumentHelp("Why the key is withdrawn, for the log and for others.", valueName: "TEXT"))
    var reason: String?

    @Option(
        help: ArgumentHelp(
            "Who the history says is behind it; the user of the operating system unless given.",
            valueName: "NAME"))
    var actor: String?

    @Flag(help: "Say which key of which pool it would be, and write nothing.")
    var dryRun = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func validate() throws {
        let deeds = [refresh, withdraw, lift].compactMap { $0 }
        if deeds.count > 1 {
            throw ValidationError("--refresh, --withdraw and --lift exclude each other: give one of them")
        }
        if withdraw == nil, reason != nil { throw ValidationError("--reason belongs to --withdraw") }
        if withdraw == nil, lift == nil, pool != nil || dryRun || actor != nil {
            throw ValidationError("--pool, --actor and --dry-run belong to --withdraw and --lift")
        }
    }

    func run() async throws {
        let settings = try arguments.read()
        if let keyID = withdraw ?? lift {
            try await KeyWithdrawalRun(
                deed: withdraw == nil ? .lift : .withdraw(reason: reason), keyID: keyID,
                pool: try pool.map(PoolArgument.pool), isDry: dryRun,
                actor: actor ?? WriteOptions.systemUser, output: output
            ).run(settings)
            return
        }
        let admin = AdminClient(settings)
        if let refresh {
            let name = try PoolArgument.pool(refresh)
            let pool: StatusReport.Pool = try await admin.ask("/pools/\(name.poolID)/refresh", isPost: true)
            show([pool])
            if !output.isJSON {
                for kid in pool.withdrawn ?? [] { Output.line("key \(kid) is not trusted any more") }
            }
            if pool.state != "ready" { throw ExitCode.failure }
        } else {
            show(try await PoolsCommand.all(admin))
        }
    }

    /// Every pool; the gateway tells of so many at a time.
    private static func all(_ admin: AdminClient) async throws(ExitCode) -> [StatusReport.Pool] {
        var pools: [StatusReport.Pool] = []
        while true {
            let after = pools.last.map { "?after=\($0.region)/\($0.poolID)" } ?? ""
            let report: StatusReport = try await admin.ask("/status\(after)", isPost: false)
            pools += report.pools
            if report.poolsLeftOut == 0 || report.pools.isEmpty { return pools }
        }
    }

    private func show(_ pools: [StatusReport.Pool]) {
        output.show(
            pools,
            as: TextTable(
                ["POOL", "STATE", "SINCE", "KEYS", "AGE", "NEXT", "ERROR"], rows: pools.map(PoolsCommand.row))
        )
    }

    private static func row(_ pool: StatusReport.Pool) -> [String] {
        let keys = pool.keys.map { pool.withdrawnBySQL[$0] == nil ? $0 : "\($0) (withdrawn)" }
        let gone = pool.withdrawnBySQL.keys.filter { !pool.keys.contains($0) }.sorted().map {
            "\($0) (withdrawn)"
        }
        let names = keys + gone
        return [
            pool.poolID, pool.state, pool.since, names.isEmpty ? "-" : names.joined(separator: ", "),
            pool.keysAgeSeconds.map { "\($0)s" } ?? "-", pool.nextAttempt ?? "-", pool.error ?? "-",
        ]
    }
}
