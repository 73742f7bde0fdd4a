import ArgumentParser
import ControlPlane
import Gatekeeper
import NIOCore
import NIOPosix
import Postgres

/// `poolgate check`: whether a gateway with these settings could serve every tenant.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Try everything that a gateway with these settings would do.",
        usage: "poolgate check [--running] [--strict] [--json | --table] [SETTINGS]",
        discussion: """
            Looks at the state directory, the ports, the certificates, the signing keys, the database with its schema and grants, every row, \
            every upstream and every key endpoint, and changes nothing. Takes the settings of 'poolgate serve'; run it \
            where, and as the user as whom, the gateway runs. Each line begins with 'ok', 'warn' or 'FAIL'. Exits with 1 \
            where one begins with 'FAIL', or with --strict 'warn', else with 0.
            """)

    @Flag(help: "A gateway with these settings runs here: its ports are to be taken.")
    var running = false

    @Flag(help: "Exit with 1 where there are warnings, too.")
    var strict = false

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let settings = try arguments.readWithDatabase()
        let report = CheckReport(printsLines: !output.isJSON)
        report.add(.good("configuration", "no mistakes"))
        report.add(StateDirectoryCheck.findings(settings.stateDirectory))
        let loops = MultiThreadedEventLoopGroup.singleton
        report.add(await ListenerCheck(settings: settings, group: loops, isRunning: running).findings())
        let certificates = CertificateCheck(settings, at: .now)
        report.add(certificates?.findings() ?? [])
        report.add(SigningKeyCheck.findings(settings, at: .now))
        let content = try await CommandDatabase.use(settings) { url in
            let (findings, content) = await DatabaseCheck(url: url, settings: settings).findings()
            report.add(findings)
            return content
        }
        if let content {
            report.add(RowCheck.findings(content))
            let active = RowCheck.active(content)
            report.add(certificates?.coverage(of: active.map(\.name.description)) ?? [])
            report.add(await UpstreamCheck(settings: settings, group: loops).findings(active)) { count in
                .good("upstreams", "\(count) can be reached")
            }
            let keys = await KeyCheck(settings: settings).findings(content.pools.sorted())
            report.add(keys.pools) { .good("keys", "\($0) pools publish theirs") }
            report.add(keys.clock)
        }
        if output.isJSON { Output.json(report.document) } else { Output.line(report.summary) }
        guard report.isGood(isStrict: strict) else { throw ExitCode.failure }
    }
}
