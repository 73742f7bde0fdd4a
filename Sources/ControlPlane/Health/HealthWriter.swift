package import Gatekeeper
package import Postgres
import Synchronization

/// Writes how this gateway stands into the database, over a connection of its own, so that admins can `SELECT` it.
///
/// What it serves is written at once, changes of pools within 2 s, the rest once a minute. Nothing waits for it.
package actor HealthWriter {
    private let url: PostgresURL
    private let reporter: HealthQueries.Reporter
    private let pools: UserPools
    private let observe: Observe
    private let bell = Bell()
    private nonisolated let latest = Latest()

    private var written: UInt64?
    private var writtenQuarantine: [String: RowFlaw]?
    private var nextAlive = ContinuousClock.now
    private var nextPools = ContinuousClock.now
    private var nextTouched = ContinuousClock.now
    private var failedConnections = 0
    /// The server and tables to which everything was written; nil until then, and after a failure.
    private var place: String?
    private var hasFullSnapshot = false
    /// Whether the connection in use has been good for anything.
    private var hasWritten = false

    /// The latest status, left by the directory; a class, because the directory writes it and the writer reads it.
    private final class Latest: Sendable {
        let status = Mutex(DirectoryStatus())
    }

    /// Reports as `instance` (1 to 100 characters, unique to this process) of `version` on `hostName`.
    package init(
        url: PostgresURL, instance: String, hostName: String, version: String, startedAt: Instant,
        pools: UserPools,
        observe: @escaping Observe = { _ in }
    ) {
        self.url = url
        self.reporter = HealthQueries.Reporter(
            instance: instance, hostName: hostName, version: version, startedAt: startedAt)
        self.pools = pools
        self.observe = observe
    }

    /// Takes the directory's status; may be called from anywhere, never blocks.
    package nonisolated func note(_ status: DirectoryStatus) {
        let isNews = latest.status.withLock { latest in
            let isNews = latest.revision != status.revision
            latest = status
            return isNews
        }
        if isNews { bell.ring() }
    }

    /// Writes until the task is cancelled, then takes this gateway off the list. For one call.
    package func run() async {
        while !Task.isCancelled {
            do throws(PostgresError) {
                try await waitForDirectory()
                let connection = try await PostgresConnection.connect(to: url)
                defer { connection.close() }
                do throws(PostgresError) {
                    try await serve(connection)
                } catch {
                    await leave(connection)
                    throw error
                }
            } catch {
                guard !Task.isCancelled else { return }
                if error.isEnd, hasWritten {
                    // It was idle for longer than a server, a pooler or a router in between allows. Only when another
                    // one cannot be had, or cannot write either, is that worth a word.
                    hasWritten = false
                    continue
                }
                place = nil
                if failedConnections == 0 { observe(.healthUnwritable(error)) }
                let doubled = Limits.shortestReconnect * (1 << min(failedConnections, 10))
                failedConnections += 1
                try? await Task.sleep(
                    for: min(doubled, Limits.longestReconnect) * Double.random(in: 0.75..<1.25))
            }
        }
    }

    /// Before the database gave a directory, its schema is not known to have the tables.
    private func waitForDirectory() async throws(PostgresError) {
        while latest.status.withLock({ $0.snapshot == nil }) {
            guard !Task.isCancelled else { throw .cancelled }
            await bell.wait(until: .now + Limits.healthInterval)
        }
    }

    private func serve(_ connection: PostgresConnection) async throws(PostgresError) {
        hasWritten = false
        while true {
            guard !Task.isCancelled else { throw .cancelled }
            let now = ContinuousClock.now
            let status = latest.status.withLock { $0 }
            let isFirst = place == nil || place != status.place
            if isFirst { try await begin(connection) }
            if written != status.revision || nextAlive <= now {
                try await writeStatus(status, connection)
                nextAlive = now + Limits.healthInterval
            }
            if isFirst || nextPools <= now {
                let isDue = nextTouched <= now
                try await writePools(everything: isFirst, touched: isDue, connection)
                if isFirst || isDue { nextTouched = now + Limits.healthInterval }
                nextPools = now + Limits.healthPause
            }
            place = status.place
            if failedConnections > 0 {
                failedConnections = 0
                observe(.healthWritten)
            }
            await bell.wait(until: min(nextAlive, nextPools))
        }
    }

    private func begin(_ connection: PostgresConnection) async throws(PostgresError) {
        hasFullSnapshot =
            try await connection.query(HealthQueries.hasFullSnapshot, within: Limits.healthWriteTime)
            .boolean(0, 0) ?? false
        _ = try await connection.transaction(
            .readWrite, HealthQueries.begin(reporter.instance), within: Limits.healthWriteTime)
        hasWritten = true
        written = nil
        writtenQuarantine = nil
    }

    private func writeStatus(_ status: DirectoryStatus, _ connection: PostgresConnection)
        async throws(PostgresError)
    {
        var statements = [HealthQueries.alive(reporter, status, hasFullSnapshot: hasFullSnapshot)]
        if writtenQuarantine != status.quarantined {
            statements += HealthQueries.quarantine(reporter.instance, status.quarantined)
        }
        _ = try await connection.transaction(.readWrite, statements, within: Limits.healthWriteTime)
        hasWritten = true
        written = status.revision
        writtenQuarantine = status.quarantined
    }

    private func writePools(
        everything: Bool, touched: Bool, _ connection: PostgresConnection
    ) async throws(PostgresError) {
        let changes = pools.board.takeChanges(everything: everything, touched: touched)
        do throws(PostgresError) {
            let gone = changes.filter { $0.status == nil }.map(\.pool)
            if !gone.isEmpty {
                _ = try await connection.query(
                    HealthQueries.forget(reporter.instance, gone), within: Limits.healthWriteTime)
            }
            var rest = changes.compactMap(\.status)[...]
            while !rest.isEmpty {
                let some = rest.prefix(Limits.poolsPerWrite)
                _ = try await connection.query(
                    HealthQueries.stand(reporter.instance, some), within: Limits.healthWriteTime)
                rest = rest.dropFirst(some.count)
            }
        } catch {
            pools.board.putBack(changes.lazy.map(\.pool))
            throw error
        }
    }

    /// Leaves no row behind that others would wait for; the task that asks is cancelled already.
    private func leave(_ connection: PostgresConnection) async {
        guard Task.isCancelled else { return }
        let statement = HealthQueries.end(reporter.instance)
        let farewell = Task.detached {
            _ = try? await connection.query(statement, within: Limits.farewellTime)
        }
        await farewell.value
    }
}
