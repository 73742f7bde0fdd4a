import Gatekeeper
import Platform
import Postgres

/// Keeps the tenant directory as the database has it: reads it, listens for changes, and publishes each new directory as
/// a whole.
///
/// `run` takes one step after the other on one connection. Beside it, two tasks load the saved rows where there is no
/// database at the start, and save them from time to time.
package actor TenantDirectory {
    let settings: Settings
    private let pools: UserPools
    let outlet: Outlet
    private let wakeSignal = WakeSignal()

    var content: DirectoryContent
    /// What is known of the directory now.
    package internal(set) var status = DirectoryStatus()
    private var schedule = ReadSchedule(at: .now)
    /// How far this connection has read; nil before its first read of everything.
    private var progress: ReadProgress?
    /// The payload by which the gateway recognises its notification to itself.
    private var echoToken = ""
    /// Behind a pooler that keeps a server connection for this one: the process that answers, while it stays the same.
    private var listeningBackend: Int64?
    /// Whether the connection has ended; the next call on it throws why.
    private var isConnectionOver = false
    private var isEmptinessSuspected = false
    private var failedConnections = 0
    /// When the first notification arrived of what was not read yet.
    private var noticedAt: ContinuousClock.Instant?
    /// When the server last ended an idle session of ours.
    private var idledOut: ContinuousClock.Instant?
    /// What of the content is not on disk yet.
    var unsaved = UnsavedRows()
    let saveSignal = WakeSignal()

    /// A directory that has loaded nothing yet. `pools` is told which pools active tenants name.
    package init(settings: Settings, pools: UserPools, outlet: Outlet) {
        self.settings = settings
        self.pools = pools
        self.outlet = outlet
        self.content = DirectoryContent(parser: settings.parser)
    }

    /// Reads, listens and reconnects until the task is cancelled, then saves what is unsaved. For one call.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.loadFromDisk() }
            group.addTask { await self.saveFromTimeToTime() }
            await connectAgainAndAgain()
            group.cancelAll()
        }
        await save(isLast: true)
    }

    // MARK: Connections

    private func connectAgainAndAgain() async {
        while !Task.isCancelled {
            do throws(PostgresError) {
                let connection = try await PostgresConnection.connect(to: settings.url)
                defer { connection.close() }
                try await serve(connection)
            } catch {
                guard !Task.isCancelled else { return }
                if case .idledOut = error, idledOut.map({ $0 < .now - Limits.pingInterval }) ?? true {
                    // The server's limit was set after the latest ping, which tells the limit. The next session knows it.
                    idledOut = .now
                    continue
                }
                failedConnections += 1
                let pause = Limits.reconnect.pause(
                    afterFailures: failedConnections, jitter: .random(in: 0..<1))
                status.link = .lost(error)
                outlet.report(status)
                outlet.observe(.databaseLost(error, retryAfter: pause))
                try? await Task.sleep(for: pause)
            }
        }
    }

    private func serve(_ connection: PostgresConnection) async throws(PostgresError) {
        try await waitForSchema(connection)
        isConnectionOver = false
        isEmptinessSuspected = false
        progress = nil
        listeningBackend = nil
        status.isListening = nil
        echoToken = String(UInt64.random(in: 0 ... .max), radix: 36)
        schedule = ReadSchedule(at: .now)
        let notifications = connection.notifications
        let listener = Task {
            for await notification in notifications { heard(notification) }
            isConnectionOver = true
            wakeSignal.send()
        }
        defer { listener.cancel() }
        // The count of writes is asked for before the first read, so that no write falls between the two unnoticed.
        try await ping(connection)
        let finding = try await PoolerDetection.detect(connection, settings.url)
        switch finding {
        case .noPooler, .sessionPooler:
            try await connection.listen(to: DirectoryQueries.channel)
            try await connection.listen(to: DirectoryQueries.echoChannel)
        case .transactionPooler: deafnessFound()
        }
        // The first step of a new schedule reads everything.
        try await takeStep(connection)
        switch finding {
        case .noPooler: try await sendEcho(over: connection)
        case .sessionPooler(let other):
            defer { other.close() }
            listeningBackend = try await connection.query(DirectoryQueries.backend).integer(0, 0)
            // Sent over the other connection: a notification to oneself would arrive whether or not the pooler keeps the
            // server connection.
            try await sendEcho(over: other)
        case .transactionPooler: break
        }
        while true {
            guard !Task.isCancelled else { throw .cancelled }
            try await takeStep(connection)
        }
    }

    private func takeStep(_ connection: PostgresConnection) async throws(PostgresError) {
        // Any call on a connection that has ended throws why it did.
        switch isConnectionOver ? .ping : schedule.next(at: .now) {
        case .readAll: try await readAll(connection)
        case .readChanges: try await readChanges(connection)
        case .ping:
            try await ping(connection)
            if schedule.isListening == true { confirm() }
        case .reportDeafness: deafnessFound()
        case .wait(let time): await wakeSignal.wait(until: time)
        }
    }

    /// Asks the server for a sign of life, which also shows whether server, database or tables are others than before.
    private func ping(_ connection: PostgresConnection) async throws(PostgresError) {
        let query = DirectoryQueries.ping(serverVersion: connection.serverVersion)
        let results = try await connection.transaction(.alone, [query], within: Limits.pingInterval)
        guard let rows = results.first else { throw .misuse("the database gave no snapshot") }
        let point = try ReadPoint(rows)
        schedule.pinged(at: .now)
        schedule.writesCounted(try rows.integer(0, 4), at: .now)
        noticed(point)
        if let progress, !point.continues(progress.point) { schedule.fullReadWanted() }
    }

    /// Notes what every read point tells, whatever it was asked for.
    private func noticed(_ point: ReadPoint) {
        schedule.idleLimitFound(point.idleLimit)
        if let listeningBackend, listeningBackend != point.backend {
            self.listeningBackend = nil
            deafnessFound()
        }
    }

    // MARK: Notifications

    private func sendEcho(over connection: PostgresConnection) async throws(PostgresError) {
        schedule.echoSent(at: .now)
        _ = try await connection.query(DirectoryQueries.echo(echoToken))
    }

    private func deafnessFound() {
        schedule.deafnessFound(at: .now)
        status.isListening = false
        outlet.observe(.listenSwallowed)
        outlet.report(status)
    }

    private func heard(_ notification: PostgresNotification) {
        if notification.channel == DirectoryQueries.echoChannel {
            guard notification.payload == echoToken else { return }
            guard schedule.echoHeard(at: .now) else { return }
            status.isListening = true
            outlet.report(status)
            return
        }
        if noticedAt == nil { noticedAt = .now }
        schedule.notified()
        wakeSignal.send()
    }

    private func waitForSchema(_ connection: PostgresConnection) async throws(PostgresError) {
        var told: Int??
        while true {
            let found = try await SchemaVersion.installed(connection)
            if let found, found >= settings.schemaVersion {
                status.link = .connected
                if found > settings.schemaVersion {
                    outlet.observe(.schemaNewer(found: found, known: settings.schemaVersion))
                }
                outlet.observe(.databaseConnected(serverVersion: connection.serverVersion))
                return
            }
            if told != .some(found) {
                told = .some(found)
                status.link = .schemaTooOld(found: found, needed: settings.schemaVersion)
                outlet.observe(.schemaTooOld(found: found, needed: settings.schemaVersion))
                outlet.report(status)
            }
            do { try await Task.sleep(for: Limits.schemaCheckInterval) } catch { throw .cancelled }
        }
    }

    // MARK: Reads

    private func readAll(_ connection: PostgresConnection) async throws(PostgresError) {
        let began = ContinuousClock.now
        noticedAt = nil
        let read = try await DirectoryReader.everything(connection)
        schedule.readEnded(all: true, at: .now, jitter: .random(in: 0..<1))
        noticed(read.point)
        guard !isSuspiciouslyEmpty(read.rows.isEmpty) else { return }
        // Parsing many rows takes a while, during which tasks shall not lack one of the few threads that run them.
        let before = content
        let built = await DetachedThread.run("poolgate-build") {
            Result { () throws(PostgresError) in try DirectoryReader.replaced(before, by: read) }
        }
        guard let built = try built?.get() else { throw .misuse("no thread could be started") }
        var (after, change) = (built.0, built.1)
        (change.addedPools, change.removedPools) = (
            after.pools.subtracting(content.pools), content.pools.subtracting(after.pools)
        )
        swap(&content, &after)
        failedConnections = 0
        progress = ReadProgress(point: read.point)
        status.visibility = read.point.visibility
        status.fullVisibility = read.point.visibility
        status.place = read.point.place
        let isFirst = status.source != .database
        status.source = .database
        if isFirst || !change.isEmpty { unsaved.noteEverything() }
        observeUnreadable(built.unreadable)
        await take(change, isAnythingRead: true, isFirst: isFirst)
        observeRead(change, since: began, all: true)
    }

    private func readChanges(_ connection: PostgresConnection) async throws(PostgresError) {
        guard var progress else {
            schedule.fullReadWanted()
            return
        }
        let began = ContinuousClock.now
        let heardAt = noticedAt
        noticedAt = nil
        let read = try await DirectoryReader.changes(connection, since: progress.since)
        schedule.readEnded(all: false, at: .now, jitter: .random(in: 0..<1))
        noticed(read.point)
        guard read.point.continues(progress.point) else {
            schedule.fullReadWanted()
            return
        }
        guard let tenants = read.tenants, let batch = read.revocations else {
            schedule.changesFound(at: .now)
            schedule.fullReadWanted()
            return
        }
        let isEmptied =
            tenants.rows.isEmpty && content.count > 0 && content.isEmptied(removing: tenants.removedHosts)
        guard !isSuspiciouslyEmpty(isEmptied) else { return }
        var change = content.apply(removedHosts: tenants.removedHosts, rows: tenants.rows)
        change.revocationsChanged = content.apply(batch.change, at: .now)
        content.replaceWithdrawnKeys(with: read.withdrawnKeys, &change)
        if !change.isEmpty {
            unsaved.note(
                SavedChange(
                    removedHosts: tenants.removedHosts, rows: tenants.rows, revocations: batch.change,
                    confirmedAt: .now))
        }
        // The journal does not tell of withdrawn keys, whose list is short and seldom changes.
        if !change.withdrawals.isEmpty { unsaved.noteEverything() }
        let wasBehind = progress.isBehind
        progress.advance(to: read.point, revocations: batch.next)
        self.progress = progress
        if progress.isBehind {
            schedule.notified()
        } else {
            status.visibility = read.point.visibility
        }
        observeUnreadable(batch.unreadable)
        let isAnythingRead =
            !tenants.rows.isEmpty || !tenants.removedHosts.isEmpty || change.revocationsChanged
            || !change.withdrawals.isEmpty
        if isAnythingRead { schedule.changesFound(at: .now) }
        await take(change, isAnythingRead: isAnythingRead || wasBehind, isFirst: false)
        if isAnythingRead { observeRead(change, since: began, all: false) }
        if isAnythingRead, let heardAt { outlet.observe(.changesPublished(after: .now - heardAt)) }
    }

    private func observeUnreadable(_ count: Int) {
        if count > 0 { outlet.observe(.revocationsUnreadable(count)) }
    }

    private func observeRead(
        _ change: DirectoryContent.Change, since began: ContinuousClock.Instant, all: Bool
    ) {
        outlet.observe(
            .directoryRead(
                rows: content.count, changed: change.hosts, revocations: content.directory.revocations.count,
                time: .now - began, all: all))
    }

    /// Whether the table was found empty for the first time, so that this is not believed yet: it is when a second read a
    /// little later finds the same.
    private func isSuspiciouslyEmpty(_ isEmpty: Bool) -> Bool {
        guard isEmpty, content.count > 0, !isEmptinessSuspected else {
            isEmptinessSuspected = false
            return false
        }
        isEmptinessSuspected = true
        schedule.emptinessSuspected(at: .now)
        outlet.observe(.emptinessSuspected(tenants: content.count))
        return true
    }

    /// Makes a change of the content known: first starts pools that are new, then publishes the directory, then stops pools
    /// that no tenant names any more.
    func take(_ change: DirectoryContent.Change, isAnythingRead: Bool, isFirst: Bool) async {
        status.tenants = content.count
        status.quarantined = content.quarantined
        status.withdrawnKeys = content.directory.withdrawnKeys
        status.pools = content.poolCount
        if isAnythingRead { status.revision += 1 }
        if !change.addedPools.isEmpty || isFirst { await pools.change(added: change.addedPools, removed: []) }
        // The content may have changed again while pools were started: what is published is always the latest.
        if !change.isEmpty || isFirst { outlet.publish(content.directory) }
        confirm()
        if !change.removedPools.isEmpty { await pools.change(added: [], removed: change.removedPools) }
        for pool in change.withdrawals {
            outlet.observe(.withdrawalsChanged(pool, content.directory.withdrawnKeys[pool]))
        }
        for (host, flaw) in change.quarantined { outlet.observe(.tenantQuarantined(host: host, flaw)) }
        if !unsaved.isEmpty { saveSignal.send() }
    }

    private func confirm() {
        if status.source == .database { status.confirmedAt = .now }
        outlet.report(status)
    }
}
