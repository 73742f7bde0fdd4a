import ArgumentParser
import ControlPlane
import Gatekeeper
import JOSE
import Postgres

/// `poolgate check`: whether a gateway with these settings could serve every tenant.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check configuration, database, schema, and every tenant's key endpoint.",
        usage: "poolgate check [SETTINGS]",
        discussion:
            "Takes the settings of 'poolgate serve'. Exits with 0 where every line begins with 'ok', else with 1."
    )

    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let settings = try arguments.readWithDatabase()
        Check.passed("configuration", "no mistakes")
        let isGood = try await CommandDatabase.use(settings) { await Check.database($0, settings) }
        guard isGood else { throw ExitCode.failure }
    }
}

/// The checks. Each prints its lines, and returns whether all is well.
private enum Check {
    /// Prints a line about what is well.
    static func passed(_ what: String, _ finding: String) {
        Output.line("ok    \(what): \(finding)")
    }

    /// Prints a line about what is not well; returns false.
    static func failed(_ what: String, _ finding: String) -> Bool {
        Output.line("FAIL  \(what): \(finding)")
        return false
    }

    /// Checks database, schema, rows and key endpoints.
    static func database(_ url: PostgresURL, _ settings: Settings) async -> Bool {
        let needed = Schema.migrator.newestVersion
        let content: DirectoryContent
        do throws(PostgresError) {
            let found = try await DirectoryReader.load(url, parser: TenantParser(settings), needed: needed)
            passed("database", url.description)
            switch found {
            case .nothing: return failed("schema", "there is none; run 'poolgate migrate'")
            case .tooOld(let version):
                return failed("schema", "version \(version), \(needed) is needed; run 'poolgate migrate'")
            case .content(let read, let version):
                passed("schema", "version \(version)")
                content = read
            }
        } catch {
            return failed("database", "\(url): \(error)" + (error.advice.map { "; \($0)" } ?? ""))
        }
        let areRowsGood = rows(content)
        let areKeysGood = await keys(of: content.pools.sorted(), settings)
        return areRowsGood && areKeysGood
    }

    private static func rows(_ content: DirectoryContent) -> Bool {
        for (host, flaw) in content.quarantined.sorted(by: { $0.key < $1.key }) {
            _ = failed("tenant \(Printable.text(host))", flaw.description)
        }
        guard content.quarantined.isEmpty else { return false }
        passed("tenants", "\(content.count), every row can be served")
        return true
    }

    private static func keys(of pools: [PoolName], _ settings: Settings) async -> Bool {
        let fetcher = KeyFetcher(settings)
        defer { fetcher.stop() }
        var isGood = true
        var rest = pools[...]
        while !rest.isEmpty {
            let some = rest.prefix(Limits.checksAtOnce)
            rest = rest.dropFirst(some.count)
            let results = await withTaskGroup(of: (PoolName, KeyFetchResult).self) { group in
                for pool in some { group.addTask { (pool, await fetcher.fetch(pool)) } }
                return await group.reduce(into: [PoolName: KeyFetchResult]()) { $0[$1.0] = $1.1 }
            }
            for pool in some { isGood = line(pool, results[pool]) && isGood }
        }
        return isGood
    }

    /// Prints the line of one pool's keys; false where they could not be fetched.
    private static func line(_ pool: PoolName, _ result: KeyFetchResult?) -> Bool {
        switch result {
        case .success(let fetched):
            let kids = fetched.keySet.keys.map(\.keyID.description).joined(separator: ", ")
            let skipped = fetched.keySet.skipped.map {
                "; skipped \($0.keyID ?? "one without kid"): \($0.reason)"
            }
            passed("keys of \(pool)", kids + skipped.joined())
            return true
        case .failure(let failure): return failed("keys of \(pool)", failure.description)
        case nil: return failed("keys of \(pool)", "not fetched")
        }
    }
}
