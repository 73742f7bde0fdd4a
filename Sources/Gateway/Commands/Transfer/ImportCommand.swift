import ArgumentParser
import Postgres

/// `poolgate import`.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Add and change many tenants by a CSV file, all of them or none.",
        usage: "poolgate import FILE [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]",
        discussion: """
            FILE is CSV (RFC 4180) in UTF-8, '-' standard input. Its first line names columns of poolgate.tenants, host and \
            pool_id among them; columns that it does not name stay as they are, or at their default for a new tenant. An \
            empty field is the column's default. A list is written '{a,b}' or 'a,b' in quotes, claim_headers as JSON. All \
            of it happens in one transaction: a tenant whose host is there already is changed, one that is so already is left \
            alone, and none is removed. Of a file with bad lines nothing is written, and each of them is told, the first \
            \(Limits.badLinesTold) at least.
            """)

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "FILE, or - for standard input")
        let path = try words.operands(1...1)[0]
        let settings = try words.readSettings()
        let source: ImportSource
        do throws(ImportSource.Flaw) {
            source = try ImportSource(path)
        } catch {
            throw words.misused(error.description)
        }
        let run = try await AdminDatabase.connected(settings) {
            connection throws(PostgresError) -> (ImportRun.Outcome, liveOn: Int?) in
            let outcome = try await ImportRun(connection: connection, options: options).run(source)
            guard case .written(let tally) = outcome, let wait = options.wait, !options.dryRun,
                let host = tally.host
            else { return (outcome, nil) }
            return (outcome, try await LiveWait.wait(.host(host), wait, on: connection))
        }
        switch run {
        case (.written(let tally), let liveOn):
            ImportReport.written(tally, isTrial: options.dryRun, liveOn: liveOn).show(output)
        case (.bad(let found), _):
            ImportReport.bad(found).show(output)
            throw ExitCode.failure
        case (.unreadable(let flaw), _):
            Output.complaint(flaw.description)
            throw ExitCode.failure
        }
    }
}
