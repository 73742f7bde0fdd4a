import ArgumentParser
import Postgres

/// `poolgate revoke`: the rows of `poolgate.revocations`.
struct RevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Refuse tokens before they expire, lift that again, or list what is refused.",
        usage: """
            poolgate revoke (--pool POOL | --host HOST) WHOSE [--issued-before TIME] [--expires TIME] [--reason TEXT] [SETTINGS]
                where WHOSE is --subject SUB, --origin-jti ID, --jti ID, --client ID or --whole-pool
            poolgate revoke --token - [--token-alone] [--expires TIME] [--reason TEXT] [SETTINGS]
            poolgate revoke --lift ID... [SETTINGS]
            poolgate revoke --list [--pool POOL | --host HOST] [SETTINGS]
            """,
        discussion: """
            TIME is a point in time (2026-11-26T06:00:00Z) or a span (90m, 2h): before now for --issued-before, from now on \
            for --expires. What is issued later than --issued-before (now, unless given) stays good, so a user who signs in \
            again is admitted. An entry ends by itself, after 25 hours unless --expires says otherwise. A token is read from \
            standard input alone, never printed and not verified; its whole sign-in is revoked, unless --token-alone is given. \
            --whole-pool asks nothing, and says what it did. All but --list take --dry-run, --wait, --actor and --json.
            """)

    @Option(help: ArgumentHelp("The pool, in any form in which one is printed.", valueName: "POOL"))
    var pool: String?

    @Option(help: ArgumentHelp("The pool of the tenant that serves this host.", valueName: "HOST"))
    var host: String?

    @Option(help: ArgumentHelp("All tokens of the user with this 'sub'.", valueName: "SUB"))
    var subject: String?

    @Option(
        name: .customLong("origin-jti"), help: ArgumentHelp("All tokens of one sign-in.", valueName: "ID"))
    var originJTI: String?

    @Option(help: ArgumentHelp("One token.", valueName: "ID"))
    var jti: String?

    @Option(help: ArgumentHelp("All tokens of an app client.", valueName: "ID"))
    var client: String?

    @Flag(help: "All tokens of the pool.")
    var wholePool = false

    @Option(help: ArgumentHelp("Where the token to revoke is: '-' for standard input.", valueName: "-"))
    var token: String?

    @Flag(help: "Revoke the token alone, not its sign-in.")
    var tokenAlone = false

    @Option(help: ArgumentHelp("Only tokens issued before this.", valueName: "TIME"))
    var issuedBefore: String?

    @Option(help: ArgumentHelp("When the entry ends.", valueName: "TIME"))
    var expires: String?

    @Option(help: ArgumentHelp("Why; yours.", valueName: "TEXT"))
    var reason: String?

    @Option(parsing: .upToNextOption, help: ArgumentHelp("Lift the entries with these ids.", valueName: "ID"))
    var lift: [String] = []

    @Flag(help: "List the entries that have not ended.")
    var list = false

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "no word besides its options")
        _ = try words.operands(0...0)
        let settings = try words.readSettings()
        let actions = [list, !lift.isEmpty, token != nil || !targets.isEmpty].count { $0 }
        guard actions == 1, pool == nil || host == nil else { throw words.misused(advice) }
        if list {
            try await RevocationList.show(poolID: try await poolID(settings), settings, output)
        } else if !lift.isEmpty {
            try await RevocationLift.run(lift, settings, options, output)
        } else {
            try await revoke(words, settings)
        }
    }

    /// Those of the options that say whose tokens are meant.
    private var targets: [RevocationTarget] {
        [
            subject.map { .subject($0) }, originJTI.map { .originJTI($0) }, jti.map { .jti($0) },
            client.map { .client($0) }, wholePool ? .wholePool : nil,
        ].compactMap { $0 }
    }

    private var advice: String {
        "say one thing to do: whose tokens to revoke (--subject, --origin-jti, --jti, --client or --whole-pool, with --pool "
            + "or --host), --token -, --lift ID, or --list"
    }

    private func revoke(_ words: CommandWords, _ settings: Settings) async throws {
        let (poolID, target) = try await subjectOfEntry(words, settings)
        let times = (issuedBefore.map { RevocationTime($0) }, expires.map { RevocationTime($0) })
        let written = try await AdminDatabase.write(settings, options) { transaction throws(PostgresError) in
            let rows = try await transaction.run(
                RevocationQueries.insert(
                    poolID: poolID, of: target, issuedBefore: times.0, expires: times.1, reason: reason))
            let id = try await transaction.run(RevocationQueries.transaction).text(0, 0) ?? ""
            let row = StoredRow(rows, 0, columns: RowTable.revocations.columns)
            return .done([RowChange(.revocations, before: nil, after: row)], until: .transaction(id))
        }
        WriteReport(written, isTrial: options.dryRun, remarks: remarks(written.changes)).show(output)
    }

    /// The pool and the tokens that the entry is for.
    private func subjectOfEntry(
        _ words: CommandWords, _ settings: Settings
    ) async throws -> (poolID: String, RevocationTarget) {
        guard let token else {
            guard targets.count == 1, let target = targets.first else { throw words.misused(advice) }
            guard let poolID = try await poolID(settings) else {
                throw words.misused("say which pool: --pool POOL, or --host HOST")
            }
            return (poolID, target)
        }
        guard token == "-", targets.isEmpty, pool == nil, host == nil else {
            throw words.misused(
                "the token is read from standard input, and says itself what is revoked: pass '--token -' alone"
            )
        }
        let bytes = try TokenInput.read()
        do throws(RevokedToken.Flaw) {
            let own = try RevokedToken(bytes)
            return (own.poolID, try own.target(tokenAlone: tokenAlone))
        } catch {
            throw words.misused(error.description)
        }
    }

    /// The pool that the options name; nil where they name none.
    private func poolID(_ settings: Settings) async throws -> String? {
        if let pool { return try PoolArgument.poolID(pool) }
        guard let host else { return nil }
        let row = try await AdminDatabase.read(settings) { transaction throws(PostgresError) -> StoredRow? in
            let rows = try await transaction.run(TenantQueries.serving(host.lowercased()))
            return rows.count > 0 ? StoredRow(rows, 0, columns: RowTable.tenants.columns) : nil
        }
        guard let row, let own = row["pool_id"] else { throw AdminDatabase.missing(.tenants, host) }
        if let second = row["second_pool_id"] {
            Output.complaint(
                "the tenant has two pools, \(ShownText.line(own)) and \(ShownText.line(second)): name one with --pool"
            )
            throw ExitCode.usage
        }
        return own
    }

    private func remarks(_ changes: [RowChange]) -> [String] {
        guard !options.dryRun, let row = changes.first?.difference.after else { return [] }
        let target = RevocationTarget(row)
        let before =
            switch target {
            case .originJTI, .jti: ""
            case .subject, .client, .wholePool: " issued before \(RowListing.time(row.time("issued_before")))"
            }
        return [
            "\(target.words) in \(row["pool_id"] ?? "")\(before) is refused until \(RowListing.time(row.time("expires_at")))",
            "to lift it: poolgate revoke --lift \(row["id"] ?? "")",
        ]
    }
}
