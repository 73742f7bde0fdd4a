import ArgumentParser
import Gatekeeper

/// `poolgate pools`: the user pools of a running gateway, as its admin port tells them.
struct PoolsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pools",
        abstract: "Show the user pools of a running gateway: their keys, ages and errors.",
        usage: "poolgate pools [--refresh POOL] [SETTINGS]",
        discussion: "Asks the gateway at --admin-listen, with --admin-token where that is set.")

    @Option(
        help: ArgumentHelp(
            "Fetch the keys of this pool at once, such as eu-west-1_PwMfVzLQg.", valueName: "POOL"))
    var refresh: String?

    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let admin = AdminClient(try arguments.read())
        if let refresh {
            guard let poolID = PoolID(refresh) else {
                Output.complaint("\(Printable.value(refresh)) is no pool id, such as eu-west-1_PwMfVzLQg")
                throw ExitCode.usage
            }
            let pool: StatusReport.Pool = try await admin.ask("/pools/\(poolID)/refresh", isPost: true)
            PoolsCommand.show([pool])
            for kid in pool.withdrawn ?? [] { Output.line("key \(kid) is not trusted any more") }
            if pool.state != "ready" { throw ExitCode.failure }
        } else {
            PoolsCommand.show(try await PoolsCommand.all(admin))
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

    private static func show(_ pools: [StatusReport.Pool]) {
        Output.table(
            [["POOL", "STATE", "SINCE", "KEYS", "AGE", "NEXT", "ERROR"]]
                + pools.map { pool in
                    [
                        pool.poolID, pool.state, pool.since,
                        pool.keys.isEmpty ? "-" : pool.keys.joined(separator: ","),
                        pool.keysAgeSeconds.map { "\($0)s" } ?? "-", pool.nextAttempt ?? "-",
                        pool.error ?? "-",
                    ]
                })
    }
}
