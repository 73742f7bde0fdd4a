package import Gatekeeper
package import Postgres
import Synchronization

/// Writes this gateway's health into the database, over a connection of its own, so that admins can `SELECT` it.
///
/// Which rows it serves is written at once, a pool's change within 2 s, a sign of life every 5 s, and everything once a
/// minute. No request waits for it.
package actor HealthWriter {
    private let url: PostgresURL
    private let reporter: HealthQueries.Reporter
    private let pools: UserPools
    private let observe: Observe
    private let wakeSignal = WakeSignal()
    private nonisolated let latest = Latest()

    /// The revision of the directory that was written last.
    private var written: UInt64?
    private var writtenQuarantine: [String: RowFlaw]?
    /// When to write everything about this gateway again.
    private var nextAlive = ContinuousClock.now
    /// When to write again that it lives.
    private var nextHeartbeat = ContinuousClock.now
    private var isDrainWritten = false
    /// When to look again at which pools changed.
    private var nextPools = ContinuousClock.now
    /// When to write pools of which only times changed.
    private var nextTouched = ContinuousClock.now
    private var failedConnections = 0
    /// The server and tables to which everything was written, as `DirectoryStatus.place` names them; nil before that, and
    /// after a failure.
    private var place: String?
    /// Whether anything was written over the connection in use.
    private var hasWritten = false

    /// The latest status, left by the directory; a class, because the directory writes it and the writer reads it.
    private final class Latest: Sendable {
        let status = Mutex(DirectoryStatus())
        let isDraining = Atomic(false)
    }

    /// Writes as `instance`, a name of 1 to 100 characters that no other process has. Nothing is written before `run`.
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

    /// Takes the directory's latest status, to be written. May be called from anywhere and never blocks.
    package nonisolated func note(_ status: DirectoryStatus) {
        let isNews = latest.status.withLock { latest in
            let isNews = latest.revision != status.revision
            latest = status
            return isNews
        }
        if isNews { wakeSignal.send() }
    }

    /// Writes at once that this gateway was asked to stop. May be called from anywhere and never blocks.
    package nonisolated func noteDrain() {
        latest.isDraining.store(true, ordering: .relaxed)
        wakeSignal.send()
    }

    /// Writes until the task is cancelled, then removes this gateway from the database. Call once.
    package func run() async {
        while !Task.isCancelled {
            do throws(PostgresError) {
                try await waitForDirectory()
                let connection = try await PostgresConnection.connect(to: url)
                defer { connection.close() }
                do throws(PostgresError) {
                    try await serve(connection)
                } catch {
                    await removeInstance(connection)
                    throw error
                }
            } catch {
                guard !Task.isCancelled else { return }
                if error.endsConnection, hasWritten {
                    // A server, a pooler or a router in between has ended the idle connection. That is worth a line of
                    // the log only where the next connection cannot be made, or cannot write either.
                    hasWritten = false
                    continue
                }
                place = nil
                if failedConnections == 0 { observe(.healthUnwritable(error)) }
                failedConnections += 1
                try? await Task.sleep(
                    for: Limits.reconnect.pause(
                        afterFailures: failedConnections, jitter: .random(in: 0..<1)))
            }
        }
    }

    /// Waits until the directory was read from the database once, which shows that its schema has the tables.
    private func waitForDirectory() async throws(PostgresError) {
        while latest.status.withLock({ $0.visibility == nil }) {
            guard !Task.isCancelled else { throw .cancelled }
            await wakeSignal.wait(until: .now + Limits.healthInterval)
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
            let isDraining = latest.isDraining.load(ordering: .relaxed)
            if written != status.revision || nextAlive <= now {
                try await writeStatus(status, isDraining, removesDead: nextAlive <= now, connection)
                if nextAlive <= now { nextAlive = now + Limits.healthInterval }
                nextHeartbeat = now + Limits.heartbeatInterval
            } else if nextHeartbeat <= now || isDrainWritten != isDraining {
                guard try await writeHeartbeat(status, isDraining, connection) else {
                    place = nil
                    continue
                }
                nextHeartbeat = now + Limits.heartbeatInterval
            }
            isDrainWritten = isDraining
            if isFirst || nextPools <= now {
                let isTouchedDue = nextTouched <= now
                try await writePools(everything: isFirst, touched: isTouchedDue, connection)
                if isFirst || isTouchedDue { nextTouched = now + Limits.healthInterval }
                nextPools = now + Limits.healthPause
            }
            place = status.place
            if failedConnections > 0 {
                failedConnections = 0
                observe(.healthWritten)
            }
            await wakeSignal.wait(until: min(nextAlive, nextHeartbeat, nextPools))
        }
    }

    /// Prepares the tables for what this gateway writes, so that everything is written next.
    private func begin(_ connection: PostgresConnection) async throws(PostgresError) {
        _ = try await connection.transaction(
            .readWrite, HealthQueries.removingLeftovers(reporter.instance), within: Limits.healthWriteTime)
        hasWritten = true
        written = nil
        writtenQuarantine = nil
    }

    private func writeStatus(
        _ status: DirectoryStatus, _ isDraining: Bool, removesDead: Bool, _ connection: PostgresConnection
    ) async throws(PostgresError) {
        var statements = [HealthQueries.writingStatus(reporter, status, life(status, isDraining))]
        if removesDead { statements.append(HealthQueries.removingDead(besides: reporter.instance)) }
        if writtenQuarantine != status.quarantined {
            statements += HealthQueries.writingQuarantine(reporter.instance, status.quarantined)
        }
        _ = try await connection.transaction(.readWrite, statements, within: Limits.healthWriteTime)
        hasWritten = true
        written = status.revision
        writtenQuarantine = status.quarantined
    }

    /// Writes a sign of life; false where somebody has removed this gateway from the database meanwhile.
    private func writeHeartbeat(
        _ status: DirectoryStatus, _ isDraining: Bool, _ connection: PostgresConnection
    ) async throws(PostgresError) -> Bool {
        let statement = HealthQueries.heartbeat(reporter.instance, status, life(status, isDraining))
        let rows = try await connection.query(statement, within: Limits.healthWriteTime)
        hasWritten = true
        return rows.count > 0
    }

    private func life(_ status: DirectoryStatus, _ isDraining: Bool) -> HealthQueries.Life {
        let age = status.confirmedAt.map { Duration.nanoseconds(Instant.now.nanoseconds - $0.nanoseconds) }
        return HealthQueries.Life(directoryAge: age.map { max($0, .zero) }, isDraining: isDraining)
    }

    private func writePools(
        everything: Bool, touched: Bool, _ connection: PostgresConnection
    ) async throws(PostgresError) {
        let changes = pools.board.takeChanges(everything: everything, touched: touched)
        do throws(PostgresError) {
            let gone = changes.filter { $0.status == nil }.map(\.pool)
            if !gone.isEmpty {
                _ = try await connection.query(
                    HealthQueries.removing(reporter.instance, gone), within: Limits.healthWriteTime)
            }
            var rest = changes.compactMap(\.status)[...]
            while !rest.isEmpty {
                let some = rest.prefix(Limits.poolsPerWrite)
                _ = try await connection.query(
                    HealthQueries.writing(reporter.instance, some), within: Limits.healthWriteTime)
                rest = rest.dropFirst(some.count)
            }
        } catch {
            pools.board.putBack(changes.lazy.map(\.pool))
            throw error
        }
    }

    /// Removes this gateway from the database as it stops, so that `poolgate.wait_until_live` does not wait for it. The task
    /// is cancelled already, so that another one does this.
    private func removeInstance(_ connection: PostgresConnection) async {
        guard Task.isCancelled else { return }
        let statement = HealthQueries.removing(reporter.instance)
        let farewell = Task.detached {
            _ = try? await connection.query(statement, within: Limits.farewellTime)
        }
        await farewell.value
    }
}
