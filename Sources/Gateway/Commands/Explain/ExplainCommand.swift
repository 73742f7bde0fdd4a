import ArgumentParser
import ControlPlane
import Gatekeeper
import Postgres

/// `poolgate explain`: judges a described request by the directory as it is, and shows every check.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain how a request would be judged, check by check.",
        usage: """
            poolgate explain --host HOST [--method METHOD] [--path PATH] [--header 'NAME: VALUE']... [--token -] \
            [--json | --table] [SETTINGS]
            """,
        discussion: """
            Reads the token from standard input ('--token -'), never from the command line, where others could see it, \
            and never prints it. It stands where '{token}' is written in a header or the path, such as \
            --header 'Cookie: session={token}', else in 'Authorization'. Takes the settings of 'poolgate serve'. Exits \
            with 0 where the request would be forwarded, with 1 where it would be refused, and with 69 where the \
            database cannot be read.
            """)

    @Option(help: "The host that the request is for.")
    var host: String

    @Option(help: ArgumentHelp("Where the token is: '-' for standard input.", valueName: "-"))
    var token: String?

    @Option(help: "The method of the request.")
    var method = "GET"

    @Option(help: "The path of the request, with or without a query.")
    var path = "/"

    @Option(
        help: ArgumentHelp(
            "A header of the request besides Host, as often as there are.", valueName: "'NAME: VALUE'"))
    var header: [String] = []

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        guard !host.contains("://") else {
            Output.complaint("--host is a URL: write the name alone, such as --host acme.example.com")
            throw ExitCode.usage
        }
        let settings = try arguments.readWithDatabase()
        guard token == nil || token == "-" else {
            Output.complaint("the token is read from standard input: pass '--token -'")
            throw ExitCode.usage
        }
        let request = ExplanationRequest(
            host: host, method: method, path: path, headers: header,
            token: token == nil ? nil : Secret(bytes: try TokenInput.read()))
        let report = try await CommandDatabase.use(settings) { url in
            var snapshot = Snapshot()
            snapshot.directory = try await ExplainCommand.content(url, settings).directory
            return await Explainer(settings).explain(request, by: snapshot, at: .now) { wanted in
                let keys = await ExplainCommand.keys(of: wanted.pool, settings)
                return (keys, keys == nil ? .unavailable : .absent)
            }
        }
        output.show(report, as: report.table)
        if !output.isJSON { Output.line(report.conclusion) }
        if !report.isForwarded { throw ExitCode.failure }
    }

    private static func content(_ url: PostgresURL, _ settings: Settings) async throws(ExitCode)
        -> DirectoryContent
    {
        let needed = Schema.migrator.newestVersion
        do throws(PostgresError) {
            switch try await DirectoryReader.load(url, parser: TenantParser(settings), needed: needed) {
            case .content(let content, _): return content
            case .nothing: Output.complaint("the database has no schema 'poolgate': run 'poolgate migrate'")
            case .tooOld(let version):
                Output.complaint(
                    "the database has schema version \(version), \(needed) is needed: run 'poolgate migrate'")
            }
        } catch {
            Output.complaint(error.description + (error.advice.map { "; \($0)" } ?? ""))
        }
        throw ExitCode.unavailable
    }

    /// The keys that a pool publishes; nil where they cannot be fetched, which is said on standard error.
    private static func keys(of pool: PoolName, _ settings: Settings) async -> PublishedKeys? {
        let fetcher = KeyFetcher(settings)
        defer { fetcher.stop() }
        switch await fetcher.fetch(pool) {
        case .success(let fetched):
            return PublishedKeys(keySet: fetched.keySet, usableUntil: .distantFuture)
        case .failure(let failure):
            Output.complaint("the keys of \(pool) cannot be fetched: \(failure)")
            return nil
        }
    }
}
