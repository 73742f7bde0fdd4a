import ArgumentParser
import ControlPlane
import DataPlane
import Gatekeeper
import Glibc
import Postgres

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain how a request would be judged, check by check.",
        usage: "poolgate explain --host HOST [--method METHOD] [--path PATH] [--token -] [SETTINGS]",
        discussion: """
            Reads the token from standard input ('--token -'), never from the command line, where others could see it, \
            and never prints it. Takes the settings of 'poolgate serve'. Exits with 0 where the request would be \
            forwarded, else with 1.
            """)

    @Option(help: "The host that the request is for.")
    var host: String

    @Option(help: ArgumentHelp("Where the token is: '-' for standard input.", valueName: "-"))
    var token: String?

    @Option(help: "The method of the request.")
    var method = "GET"

    @Option(help: "The path of the request; a query is left out.")
    var path = "/"

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
        let message = AskedMessage(host: host, method: method, path: path, limits: settings.headLimits)
        let bytes = try token.map { _ in try ExplainCommand.readToken() }
        let snapshot = try await CommandDatabase.use(settings) { url in
            try await ExplainCommand.snapshot(for: message.host, url, settings)
        }
        let explanation = Explanation(
            host: message.host, method: method, path: path, token: bytes, snapshot: snapshot, now: .now,
            message: message.refusal)
        Output.table(
            [["", "check", "expected", "actual"]]
                + explanation.checks.map { check in
                    [
                        check.passed ? "ok" : "FAIL", check.name, Printable.text(check.expected),
                        Printable.text(check.actual),
                    ]
                })
        guard let refusal = explanation.refusal else {
            Output.line("the request would be forwarded")
            return
        }
        let answer = Answer(refusal)
        Output.line("the request would be refused: \(answer.status) \(answer.code)")
        throw ExitCode.failure
    }

    /// The directory, with the keys of the host's pools.
    private static func snapshot(
        for host: String, _ url: PostgresURL, _ settings: Settings
    ) async throws -> Snapshot {
        let content = try await content(url, settings)
        var snapshot = Snapshot()
        snapshot.directory = content.directory
        await fetchKeys(of: host, into: &snapshot, settings)
        return snapshot
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
        throw ExitCode.failure
    }

    private static func fetchKeys(of host: String, into snapshot: inout Snapshot, _ settings: Settings) async
    {
        let entry = Array(host.utf8).withUnsafeBytes { Host(request: $0) }.flatMap {
            snapshot.directory?.entry(for: $0)
        }
        guard case .tenant(let tenant) = entry else { return }
        let fetcher = KeyFetcher(settings)
        defer { fetcher.stop() }
        for pool in tenant.pools {
            switch await fetcher.fetch(pool.key) {
            case .success(let fetched):
                snapshot.setKeys(
                    PublishedKeys(keySet: fetched.keySet, usableUntil: .distantFuture), of: pool.key)
            case .failure(let failure):
                Output.complaint("the keys of \(pool.key) cannot be fetched: \(failure)")
            }
        }
    }

    /// The token without blanks and line ends around it, and without a leading `Bearer `.
    private static func readToken() throws(ExitCode) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.count <= Limits.tokenOnStandardInputBytes {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        var token = bytes[...]
        token = token.drop { $0 <= 0x20 }
        while let last = token.last, last <= 0x20 { token.removeLast() }
        if token.count > 7, String(decoding: token.prefix(7), as: UTF8.self).lowercased() == "bearer " {
            token = token.dropFirst(7).drop { $0 == 0x20 }
        }
        guard !token.isEmpty, bytes.count <= Limits.tokenOnStandardInputBytes else {
            Output.complaint(
                "standard input holds no token, or more than \(Limits.tokenOnStandardInputBytes) bytes")
            throw .usage
        }
        return Array(token)
    }
}
