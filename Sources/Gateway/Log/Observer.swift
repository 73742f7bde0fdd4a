import ControlPlane
import DataPlane
import Gatekeeper
import JOSE
import Logging
import Postgres

/// Puts what happened into words: every line of the log is made here, and nowhere else does the log's text stand.
enum Observer {
    // MARK: Control plane

    /// The line of what the control plane observed.
    static func line(_ observation: Observation) -> LogLine {
        switch observation {
        case .keysFetched(let pool, let kids, let skipped): keysFetched(pool, kids, skipped)
        case .keysFetchFailed(let pool, let failure, let endpoint, let next):
            keysFetchFailed(pool, failure, endpoint, next)
        case .keysWithdrawn(let pool, let kids):
            LogLine(.notice, "keys_withdrawn", ["pool": .of(pool), "kids": .list(kids.map(\.description))])
        case .withdrawalsChanged(let pool, let keys): withdrawalsChanged(pool, keys)
        case .signingKeys(let folder, let signing, let published): signingKeys(folder, signing, published)
        case .signingKeyRefused(let file, let flaw):
            LogLine(
                .error, "signing_key_refused",
                [
                    "file": .text(file), "error": .of(flaw),
                    "advice": "the key that it held before, where there was one, stays in use",
                ])
        case .signingKeysLost(let folder, let flaw):
            LogLine(
                .error, "signing_keys_lost",
                [
                    "folder": .text(folder), "error": .of(flaw),
                    "advice": "the keys that were read before stay in use",
                ])
        case .databaseConnected(let version):
            LogLine(.info, "database_connected", ["server_version": .count(version)])
        case .databaseLost(let error, let pause):
            LogLine(
                .warning, "database_lost",
                [
                    "error": .of(error), "retry_after_ms": .count(pause.milliseconds),
                    "advice": error.advice.map { .text($0) },
                ])
        case .schemaTooOld(let found, let needed): schemaTooOld(found, needed)
        case .schemaNewer(let found, let known): schemaNewer(found, known)
        case .listenSwallowed: listenSwallowed()
        case .directoryRead(let rows, let changed, let revocations, let time, let all):
            directoryRead(rows, changed, revocations, time, all)
        case .changesPublished(let lag):
            LogLine(.debug, "changes_published", ["after_ms": .count(lag.milliseconds)])
        case .tenantQuarantined(let host, let flaw):
            LogLine(.error, "tenant_quarantined", ["tenant": .text(host), "error": .of(flaw)])
        case .revocationsUnreadable(let count): revocationsUnreadable(count)
        case .emptinessSuspected(let tenants): emptinessSuspected(tenants)
        case .savedRowsLoaded(let rows, let changes, let savedAt, let isCut):
            savedRowsLoaded(rows, changes, savedAt, isCut)
        case .savedRowsUnreadable(let flaw): LogLine(.error, "snapshot_unreadable", ["error": .of(flaw)])
        case .rowsSaved(let rows, let time):
            LogLine(
                .debug, "snapshot_saved", ["rows": .count(rows), "ms": .count(time.milliseconds)])
        case .savedRowsUnwritable(let flaw): LogLine(.error, "snapshot_unwritable", ["error": .of(flaw)])
        case .savedKeysLoaded(let pools, let fetchedAt, let isCut): savedKeysLoaded(pools, fetchedAt, isCut)
        case .savedKeysUnreadable(let flaw): LogLine(.error, "keys_unreadable", ["error": .of(flaw)])
        case .keysSaved(let pools): LogLine(.debug, "keys_saved", ["pools": .count(pools)])
        case .savedKeysUnwritable(let flaw): LogLine(.error, "keys_unwritable", ["error": .of(flaw)])
        case .healthUnwritable(let error):
            LogLine(
                .warning, "health_unwritable",
                ["error": .of(error), "advice": error.advice.map { .text($0) }])
        case .healthWritten: LogLine(.info, "health_written", [:])
        }
    }

    /// Somebody gave the admin port a wrong token; `untold` of these before had no line.
    static func wrongAdminToken(in place: WrongTokens.Place, from address: String?, untold: Int) -> LogLine {
        LogLine(
            .warning, "admin_token_wrong",
            [
                "client": address.map { .text($0) }, "given_in": .text(place.rawValue),
                "untold": untold == 0 ? nil : .count(untold),
            ])
    }

    private static func keysFetched(_ pool: PoolName, _ kids: [KeyID], _ skipped: [SkippedKey]) -> LogLine {
        let flaws = skipped.map { "\($0.keyID ?? "without kid"): \($0.reason)" }
        return LogLine(
            skipped.isEmpty ? .info : .warning, "keys_fetched",
            [
                "pool": .of(pool), "kids": .list(kids.map(\.description)),
                "skipped": flaws.isEmpty ? nil : .list(flaws),
            ])
    }

    private static func signingKeys(_ folder: String, _ signing: String?, _ published: [String]) -> LogLine {
        guard let signing else {
            return LogLine(
                .error, "no_signing_key",
                [
                    "folder": .text(folder),
                    "advice": "requests go on without an assertion; write a key with 'poolgate keys new'",
                ])
        }
        return LogLine(
            .notice, "signing_keys",
            ["folder": .text(folder), "signing": .text(signing), "published": .list(published)])
    }

    private static func keysFetchFailed(
        _ pool: PoolName, _ failure: KeyFetchFailure, _ endpoint: String?, _ next: Instant?
    )
        -> LogLine
    {
        LogLine(
            .warning, "keys_fetch_failed",
            [
                "pool": .of(pool), "reason": .text(failure.reason),
                "error": .text(failure.sentence(of: pool, at: endpoint)),
                "url": endpoint.map { .text($0) }, "next_attempt": next.map { .text($0.timestamp) },
            ])
    }

    private static func withdrawalsChanged(
        _ pool: PoolName, _ keys: [String: WithdrawnKeys.Withdrawal]
    ) -> LogLine {
        LogLine(
            .notice, "withdrawn_keys",
            [
                "pool": .of(pool),
                "withdrawn": .list(keys.sorted { $0.key < $1.key }.map { "\($0), \($1.description)" }),
            ])
    }

    private static func schemaTooOld(_ found: Int?, _ needed: Int) -> LogLine {
        LogLine(
            .error, "schema_too_old",
            ["found": found.map { .count($0) }, "needed": .count(needed), "advice": "run 'poolgate migrate'"])
    }

    private static func schemaNewer(_ found: Int, _ known: Int) -> LogLine {
        LogLine(
            .notice, "schema_newer",
            [
                "found": .count(found), "known": .count(known),
                "advice": "a newer poolgate has migrated this database; this one serves on",
            ])
    }

    private static func listenSwallowed() -> LogLine {
        let advice =
            "something in between, such as a pooler in transaction mode, gives the session's server to others, "
            + "where LISTEN would be lost; changes are asked for every second"
        return LogLine(.warning, "listen_swallowed", ["advice": .text(advice)])
    }

    private static func directoryRead(
        _ rows: Int, _ changed: Int, _ revocations: Int, _ time: Duration, _ all: Bool
    ) -> LogLine {
        LogLine(
            all && changed == 0 ? .debug : .info, "directory_read",
            [
                "rows": .count(rows), "changed": .count(changed), "revocations": .count(revocations),
                "ms": .count(time.milliseconds), "read": all ? "everything" : "changes",
            ])
    }

    private static func revocationsUnreadable(_ count: Int) -> LogLine {
        LogLine(
            .error, "revocations_unreadable",
            [
                "revocations": .count(count),
                "advice": "their digest is none, and they are not enforced: DELETE them and INSERT them anew",
            ])
    }

    private static func emptinessSuspected(_ tenants: Int) -> LogLine {
        LogLine(
            .warning, "emptiness_suspected",
            [
                "tenants": .count(tenants),
                "advice": "the table became empty; it is read again before that is believed",
            ])
    }

    private static func savedRowsLoaded(_ rows: Int, _ changes: Int, _ savedAt: Instant, _ isCut: Bool)
        -> LogLine
    {
        LogLine(
            .warning, "snapshot_loaded",
            [
                "rows": .count(rows), "changes": .count(changes), "saved_at": .text(savedAt.timestamp),
                "advice": "without a database, tenants are served as they were then",
                "error": isCut ? "the end of the changes is damaged, and what it said is not known" : nil,
            ])
    }

    private static func savedKeysLoaded(_ pools: Int, _ fetchedAt: Instant?, _ isCut: Bool) -> LogLine {
        LogLine(
            isCut ? .warning : .info, "keys_loaded",
            [
                "pools": .count(pools), "newest": fetchedAt.map { .text($0.timestamp) },
                "error": isCut ? "the end of the changes is damaged, and what it said is not known" : nil,
            ])
    }

    // MARK: The program

    /// The program begins.
    static func starting(version: String, instance: String, workers: Int, descriptors: Int) -> LogLine {
        LogLine(
            .info, "starting",
            [
                "version": .text(version), "instance": .text(instance), "workers": .count(workers),
                "descriptors": .count(descriptors),
            ])
    }

    /// A listener is open.
    static func listening(_ listener: String, address: String) -> LogLine {
        LogLine(.info, "listening", ["listener": .text(listener), "address": .text(address)])
    }

    /// A pair of the certificates' folder that came into use, or could not.
    static func line(_ notice: CertificateNotice) -> LogLine {
        switch notice {
        case .loaded(let name, let hosts):
            LogLine(
                .info, "certificate_loaded",
                ["name": .text(name), "hosts": .text(hosts.joined(separator: " "))])
        case .refused(let name, let reason):
            LogLine(
                .error, "certificates_refused",
                [
                    "name": .text(name), "error": .text(reason),
                    "advice":
                        "the pair before it, where there was one, stays in use; mend NAME.crt and NAME.key",
                ])
        case .folderLost(let folder, let reason):
            LogLine(
                .error, "certificates_folder_lost",
                [
                    "folder": .text(folder), "error": .text(reason),
                    "advice": "the pairs that were read before stay in use",
                ])
        case .shownThoughInvalid(let name, let from, let until):
            LogLine(
                .error, "certificate_not_valid",
                [
                    "name": .text(name), "valid_from": .text(Instant(seconds: from).timestamp),
                    "valid_until": .text(Instant(seconds: until).timestamp),
                    "advice": "clients are shown it, for no other pair covers what they ask for; renew it",
                ])
        }
    }

    /// A connection that was closed for its PROXY header.
    static func line(_ notice: ProxyHeaderNotice) -> LogLine {
        LogLine(
            .warning, "proxy_header_refused",
            [
                "peer": .text(notice.peer), "error": .text(notice.reason),
                "others": notice.others == 0 ? nil : .count(notice.others),
            ])
    }

    /// The proxy opens without a directory.
    static func startingWithoutDirectory() -> LogLine {
        LogLine(
            .warning, "no_directory",
            ["advice": "no tenants could be read yet; requests get 503 until they are"])
    }

    /// The state directory cannot be used.
    static func noStateDirectory(_ failure: EmbeddedPostgresFailure) -> LogLine {
        LogLine(
            .warning, "no_state_directory",
            ["error": .of(failure), "advice": "the last good tenants are not kept on disk"])
    }

    /// The gateway is ready, so long after its start.
    static func ready(after: Duration) -> LogLine {
        LogLine(.info, "ready", ["ms": .count(after.milliseconds)])
    }

    /// A signal asked the gateway to stop: it accepts requests for `delay` still, and waits up to `limit` for those under
    /// way.
    static func stopping(signal: String, delay: Duration, limit: Duration) -> LogLine {
        LogLine(
            .info, "stopping",
            [
                "signal": .text(signal), "delay_ms": .count(delay.milliseconds),
                "limit_ms": .count(limit.milliseconds),
            ])
    }

    /// The gateway has stopped as it was asked to.
    static func stopped() -> LogLine {
        LogLine(.info, "stopped", [:])
    }

    /// The gateway ends because it cannot go on.
    static func failed(_ sentence: String) -> LogLine {
        LogLine(.critical, "failed", ["error": .text(sentence)])
    }

    /// The lines for a migration: what was applied, what it remarked, and which migrations have another text.
    static func migrated(_ report: Migrator.Report) -> [LogLine] {
        var lines: [LogLine] = []
        if !report.applied.isEmpty {
            lines.append(
                LogLine(
                    .info, "migrated", ["applied": .list(report.applied), "version": .count(report.version)]))
        }
        lines += report.notices.filter { $0.severity == "WARNING" }.map {
            LogLine(.warning, "migration_remark", ["remark": .text($0.message)])
        }
        lines += report.differing.map {
            LogLine(
                .warning, "migration_differs",
                ["migration": .text($0), "advice": "it was applied with another text than this program has"])
        }
        return lines
    }

    /// The line for what a library logs.
    static func library(_ label: String, _ level: Logger.Level, _ message: String, details: String?)
        -> LogLine
    {
        LogLine(
            level, "library",
            ["label": .text(label), "message": .text(message), "details": details.map { .text($0) }])
    }

    // MARK: The embedded Postgres

    /// The line for something that happened to the embedded Postgres.
    static func line(_ event: EmbeddedPostgres.Event) -> LogLine {
        switch event {
        case .created(let folder, let version):
            LogLine(.info, "postgres_created", ["folder": .text(folder), "version": .text(version)])
        case .started(let folder, let psql):
            LogLine(.info, "postgres_started", ["folder": .text(folder), "psql": .text(psql)])
        case .adopted(let folder, let isOurs, let psql):
            LogLine(
                .info, "postgres_adopted",
                [
                    "folder": .text(folder), "psql": .text(psql),
                    "stopped_by": isOurs ? "this gateway" : "whoever started it",
                ])
        case .waitingForLock(let folder):
            LogLine(
                .info, "postgres_locked",
                [
                    "folder": .text(folder),
                    "advice": "another gateway is starting its Postgres; waiting for it",
                ])
        case .died: LogLine(.error, "postgres_died", ["advice": "it is started again"])
        case .notRestarted(let flaw): LogLine(.error, "postgres_not_restarted", ["error": .of(flaw)])
        case .stopped: LogLine(.info, "postgres_stopped", [:])
        case .stopping:
            LogLine(.info, "postgres_stopping", ["advice": "it takes its time and ends by itself"])
        case .notStopped(let reason): LogLine(.warning, "postgres_not_stopped", ["error": .text(reason)])
        }
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
