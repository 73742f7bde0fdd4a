import ArgumentParser
import Gatekeeper

/// `poolgate status`: how a running gateway is, as its admin port tells it.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how a running gateway is: ready or why not, listeners, directory, replicas, pools.",
        usage: "poolgate status [--json | --table] [SETTINGS]",
        discussion: """
            Asks the gateway at --admin-listen, with --admin-token where that is set. Exits with 0 where it is ready, with \
            1 where it is not, and with 69 where none answers.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let report: StatusReport = try await AdminClient(try arguments.read()).ask("/status", isPost: false)
        output.show(report, as: StatusTable(report).table)
        guard report.isReady else { throw ExitCode.failure }
    }
}

/// What `/status` says, in rows for a person.
struct StatusTable {
    private let report: StatusReport

    init(_ report: StatusReport) {
        self.report = report
    }

    /// One row for each thing.
    var table: TextTable {
        var rows = [
            ["ready", report.isReady ? "yes" : "no: \(report.reason ?? "")"],
            ["instance", report.instance], ["version", report.version], ["started", report.startedAt],
        ]
        rows += report.listeners.map { ["listener \($0.listener)", $0.address] }
        rows += directory
        rows += replicas
        rows.append(["pools", pools])
        rows += report.pools.filter { $0.state != "ready" }.prefix(Limits.namesShown).map {
            ["pool \($0.poolID)", "\($0.state) since \($0.since)" + ($0.error.map { ": \($0)" } ?? "")]
        }
        return TextTable(["GATEWAY", report.isReady ? "ready" : "not ready"], rows: rows)
    }

    private var directory: [[String]] {
        let directory = report.directory
        let age = directory.ageSeconds.map { ", confirmed \(PersonTime.span(max(0, $0))) ago" } ?? ""
        var rows = [
            ["directory", (directory.source.map { "from \($0)" } ?? "none yet") + age],
            ["database", directory.link + (directory.error.map { ": \($0)" } ?? "")],
            ["tenants", "\(directory.tenants)"],
        ]
        if !directory.quarantined.isEmpty {
            rows.append(["quarantined", Finding.some(directory.quarantined.keys.sorted())])
        }
        return rows
    }

    /// How many gateways on the same database are in which state, and a row for each of the first.
    private var replicas: [[String]] {
        guard let replicas = report.replicas else {
            return [["replicas", "not known" + (report.replicasError.map { ": \($0)" } ?? "")]]
        }
        return [["replicas", StatusTable.counts(replicas.map(\.state))]]
            + replicas.prefix(Limits.namesShown).map { replica in
                let age = replica.directoryAgeSeconds.map { ", directory \(PersonTime.span($0)) old" } ?? ""
                let failing = replica.failingPools
                let pools = failing > 0 ? ", \(failing) failing pool\(failing == 1 ? "" : "s")" : ""
                let name = "replica \(replica.instance)" + (replica.isSelf ? " (this)" : "")
                return [
                    name, "\(replica.state) on \(replica.hostName)\(age)\(pools), seen \(replica.seenAt)",
                ]
            }
    }

    /// How often each word stands in a list, the most frequent first, such as `12 ready, 1 failing`.
    private static func counts(_ words: [String]) -> String {
        let counts = words.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        let told = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
        return told.isEmpty ? "none" : told.joined(separator: ", ")
    }

    /// How many pools are in each state.
    private var pools: String { StatusTable.counts(report.pools.map(\.state)) }
}
