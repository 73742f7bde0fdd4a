import ArgumentParser
import ControlPlane
import DataPlane
import Gatekeeper
import Glibc
import Postgres

/// `poolgate explain`: judges a described request by the directory as it is, and shows every check.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explain how a request would be judged, check by check.",
        usage: """
            poolgate explain --host HOST [--method METHOD] [--path PATH] [--header 'NAME: VALUE']... [--token -] \
            [SETTINGS]
            """,
        discussion: """
            Reads the token from standard input ('--token -'), never from the command line, where others could see it, \
            and never prints it. It stands where '{token}' is written in a header or the path, such as \
            --header 'Cookie: session={token}', else in 'Authorization'. Takes the settings of 'poolgate serve'. Exits \
            with 0 where the request would be forwarded, else with 1.
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
        let request = try request(settings)
        let explanation = try await CommandDatabase.use(settings) { url in
            try await ExplainCommand.explanation(of: request, url, settings)
        }
        Output.table(
            [["", "check", "expected", "actual"]]
                + explanation.lines.map { line in
                    [
                        line.passed ? "ok" : "FAIL", line.name, Printable.text(line.expected),
                        Printable.text(line.actual),
                    ]
                })
        guard let refusal = explanation.refusal else {
            Output.line("the request would be forwarded")
            return
        }
        let row = refusal.row
        Output.line("the request would be refused: \(row.status.code) \(row.code)")
        throw ExitCode.failure
    }

    /// The request that the options describe, the token of standard input in its place.
    private func request(_ settings: Settings) throws(ExitCode) -> DescribedRequest {
        let placeholder = "{token}"
        var (path, fields) = (path, header)
        if token != nil {
            let token = String(decoding: try ExplainCommand.readToken(), as: UTF8.self)
            if !path.contains(placeholder), !fields.contains(where: { $0.contains(placeholder) }) {
                fields.append("Authorization: Bearer \(placeholder)")
            }
            path = path.replacing(placeholder, with: token)
            fields = fields.map { $0.replacing(placeholder, with: token) }
        }
        return DescribedRequest(
            host: host, method: method, path: path, fields: fields.map { Array($0.utf8) },
            limits: settings.headLimits, maxBodyBytes: settings.maxBodyBytes)
    }

    /// Judges the request as a loop would: once, and once more with its pool's keys where the first time needs one.
    private static func explanation(
        of request: DescribedRequest, _ url: PostgresURL, _ settings: Settings
    ) async throws -> Explanation {
        let judge = Judge(tokenCacheBytes: Limits.explainedTokenBytes, seed: 0)
        judge.snapshot.directory = try await content(url, settings).directory
        var explanation = Explanation()
        if let refusal = request.refusal {
            explanation.messageRefused(refusal)
            return explanation
        }
        let now = Instant.now
        var verdict = request.withFacts { judge.explain($0, at: now, into: &explanation) }
        if case .needsKey(let key, _) = verdict {
            let keys = await keys(of: key.pool, settings)
            judge.snapshot.setKeys(keys, of: key.pool)
            let lookup: KeyLookupResult = keys == nil ? .unavailable : .absent
            explanation = Explanation()
            verdict = request.withFacts { judge.explain($0, at: now, lookup: lookup, into: &explanation) }
        }
        if case .admit(let admission) = verdict,
            let refusal = request.bodyRefusal(by: admission.resolved.tenant)
        {
            explanation.messageRefused(refusal)
        }
        return explanation
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

    /// The token without blanks and line ends around it, and without a leading `Bearer `.
    private static func readToken() throws(ExitCode) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: Limits.tokenReadBytes)
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
