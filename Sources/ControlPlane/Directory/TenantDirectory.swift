package import Gatekeeper
import Platform
package import Postgres

/// Which tenants hold now: reads them from Postgres, hears of changes, publishes whole directories.
///
/// Everything happens in `run`, one step after the other; only the saved snapshot of a start without a database comes
/// in from the side.
package actor TenantDirectory {
    /// What the directory needs to know.
    package struct Settings: Sendable {
        package let url: PostgresURL
        package let parser: TenantParser
        /// The version of the newest migration that this program knows.
        package let schemaVersion: Int
        /// Where the last good rows are kept; nil keeps none.
        package let snapshotFile: SnapshotFile?

        package init(url: PostgresURL, parser: TenantParser, schemaVersion: Int, snapshotFile: SnapshotFile?)
        {
            self.url = url
            self.parser = parser
            self.schemaVersion = schemaVersion
            self.snapshotFile = snapshotFile
        }
    }

    /// Takes what the directory makes; called in order, must not block.
    package struct Outlet: Sendable {
        /// Gets every new directory, after the pools that it needs were started.
        package let publish: @Sendable (Directory) -> Void
        /// Gets the status after every read and every change of the link.
        package let report: @Sendable (DirectoryStatus) -> Void
        package let observe: Observe

        package init(
            publish: @escaping @Sendable (Directory) -> Void,
            report: @escaping @Sendable (DirectoryStatus) -> Void = { _ in },
            observe: @escaping Observe = { _ in }
        ) {
            self.publish = publish
            self.report = report
            self.observe = observe
        }
    }

    private let settings: Settings
    private let pools: UserPools
    private let outlet: Outlet
    private let bell = Bell()

    private var content: DirectoryContent
    package private(set) var status = DirectoryStatus()
    private var schedule = ReadSchedule(at: .now)
    /// How far this connection has read; nil before its first read of everything.
    private var progress: ReadProgress?
    private var echoToken = ""
    /// The server's process that a session behind a pooler keeps, while it listens.
    private var listeningBackend: Int64?
    private var isConnectionOver = false
    private var isEmptinessSuspected = false
    private var failedConnections = 0
    /// When the server last ended an idle session of ours.
    private var idledOut = ContinuousClock.now - .seconds(3_600)
    private var isUnsaved = false

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
        await save()
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
                if case .idledOut = error, idledOut < .now - Limits.pingInterval {
                    // The server's limit is newer than our last sign of life. The next session knows it.
                    idledOut = .now
                    continue
                }
                let doubled = Limits.shortestReconnect * (1 << min(failedConnections, 10))
                let pause = min(doubled, Limits.longestReconnect) * Double.random(in: 0.75..<1.25)
                failedConnections += 1
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
            bell.ring()
        }
        defer { listener.cancel() }
        // What is written from here on is either read or counted.
        try await ping(connection)
        let finding = try await ListenProbe.find(connection, settings.url)
        switch finding {
        case .direct, .session:
            try await connection.listen(to: DirectoryQueries.channel)
            try await connection.listen(to: DirectoryQueries.echoChannel)
        case .shared: cannotListen()
        }
        // The first step of a new schedule reads everything.
        try await takeStep(connection)
        switch finding {
        case .direct: try await sendEcho(over: connection)
        case .session(let other):
            defer { other.close() }
            listeningBackend = try await connection.query(DirectoryQueries.backend).integer(0, 0)
            // From elsewhere: what a session says to itself comes back on its own connection, whoever has it next.
            try await sendEcho(over: other)
        case .shared: break
        }
        while true {
            guard !Task.isCancelled else { throw .cancelled }
            try await takeStep(connection)
        }
    }

    private func takeStep(_ connection: PostgresConnection) async throws(PostgresError) {
        // A connection that is over says why when it is asked for anything.
        switch isConnectionOver ? .ping : schedule.next(at: .now) {
        case .readAll: try await readAll(connection)
        case .readChanges: try await readChanges(connection)
        case .ping:
            try await ping(connection)
            if schedule.isListening == true { confirm() }
        case .missEcho: cannotListen()
        case .wait(let time): await bell.wait(until: time)
        }
    }

    /// A sign of life, which also tells whether the server, the database or the tables are others than before.
    private func ping(_ connection: PostgresConnection) async throws(PostgresError) {
        let query = DirectoryQueries.ping(serverVersion: connection.serverVersion)
        let rows = try await connection.query(query, within: Limits.pingInterval)
        let point = try ReadPoint(rows)
        schedule.pinged(at: .now)
        schedule.counted(try rows.integer(0, 4), at: .now)
        noticed(point)
        if let progress, !point.continues(progress.point) { schedule.fullReadWanted() }
    }

    /// Takes what a point tells besides what it is asked for.
    private func noticed(_ point: ReadPoint) {
        schedule.idleLimit(point.idleLimit)
        if let listeningBackend, listeningBackend != point.backend {
            self.listeningBackend = nil
            cannotListen()
        }
    }

    // MARK: Announcements

    private func sendEcho(over connection: PostgresConnection) async throws(PostgresError) {
        schedule.echoSent(at: .now)
        _ = try await connection.query(DirectoryQueries.echo(echoToken))
    }

    private func cannotListen() {
        schedule.cannotListen(at: .now)
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
        schedule.notified()
        bell.ring()
    }

    private func waitForSchema(_ connection: PostgresConnection) async throws(PostgresError) {
        var told: Int??
        while true {
            let found = try await DirectoryReader.schemaVersion(connection)
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
        let read = try await DirectoryReader.everything(connection)
        schedule.read(all: true, at: .now, jitter: .random(in: 0..<1))
        noticed(read.point)
        guard !isSuspiciouslyEmpty(read.rows.isEmpty) else { return }
        // Parsing many rows takes a while, for which no thread of the pool that runs tasks shall be missing.
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
        status.snapshot = read.point.snapshot
        status.fullSnapshot = read.point.snapshot
        status.place = read.point.place
        let isFirst = status.source != .database
        status.source = .database
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
        let read = try await DirectoryReader.changes(connection, since: progress.since)
        schedule.read(all: false, at: .now, jitter: .random(in: 0..<1))
        noticed(read.point)
        guard read.point.continues(progress.point) else {
            schedule.fullReadWanted()
            return
        }
        guard let tenants = read.tenants, let batch = read.revocations else {
            schedule.foundChanges(at: .now)
            schedule.fullReadWanted()
            return
        }
        let isEmptied =
            tenants.rows.isEmpty && content.count > 0 && content.isEmptied(removing: tenants.removedHosts)
        guard !isSuspiciouslyEmpty(isEmptied) else { return }
        var change = content.apply(removedHosts: tenants.removedHosts, rows: tenants.rows)
        change.revocationsChanged = content.apply(batch.change, at: .now)
        let wasBehind = progress.isBehind
        progress.advance(to: read.point, revocations: batch.next)
        self.progress = progress
        if progress.isBehind {
            schedule.notified()
        } else {
            status.snapshot = read.point.snapshot
        }
        observeUnreadable(batch.unreadable)
        let isAnythingRead =
            !tenants.rows.isEmpty || !tenants.removedHosts.isEmpty || change.revocationsChanged
        if isAnythingRead { schedule.foundChanges(at: .now) }
        await take(change, isAnythingRead: isAnythingRead || wasBehind, isFirst: false)
        if isAnythingRead { observeRead(change, since: began, all: false) }
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

    /// A table that becomes empty is believed only when a second read a little later says the same.
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

    /// Makes a change of the content known: pools that are new, the directory, then pools that are gone.
    private func take(_ change: DirectoryContent.Change, isAnythingRead: Bool, isFirst: Bool) async {
        status.tenants = content.count
        status.quarantined = content.quarantined
        status.pools = content.poolCount
        if isAnythingRead { status.revision += 1 }
        if !change.addedPools.isEmpty || isFirst { await pools.change(added: change.addedPools, removed: []) }
        // Whatever came in between is published too: always the latest, never what was latest before the pause.
        if !change.isEmpty || isFirst { outlet.publish(content.directory) }
        confirm()
        if !change.removedPools.isEmpty { await pools.change(added: [], removed: change.removedPools) }
        for (host, flaw) in change.quarantined { outlet.observe(.tenantQuarantined(host: host, flaw)) }
        isUnsaved = isUnsaved || !change.isEmpty || isFirst
    }

    private func confirm() {
        if status.source == .database { status.confirmedAt = .now }
        outlet.report(status)
    }

    // MARK: Disk

    private func loadFromDisk() async {
        guard let file = settings.snapshotFile else { return }
        guard (try? await Task.sleep(for: Limits.databaseWait)) != nil, status.source == nil else { return }
        let before = content
        switch await file.load() {
        case .failure(let flaw):
            if flaw != .absent { outlet.observe(.snapshotUnreadable(flaw)) }
        case .success(let saved):
            let built = await DetachedThread.run("poolgate-build") {
                var after = before
                let change = after.replaceAll(with: saved.rows)
                _ = after.replaceRevocations(with: saved.revocations, of: saved.revocationPools)
                return (after, change)
            }
            guard let (after, change) = built, status.source == nil, !Task.isCancelled else { return }
            content = after
            status.source = .disk(savedAt: saved.savedAt)
            status.confirmedAt = saved.savedAt
            await take(change, isAnythingRead: true, isFirst: true)
            isUnsaved = false
            outlet.observe(.snapshotLoaded(rows: saved.rows.count, savedAt: saved.savedAt))
        }
    }

    private func saveFromTimeToTime() async {
        guard settings.snapshotFile != nil else { return }
        while (try? await Task.sleep(for: isUnsaved ? .zero : Limits.saveCheckInterval)) != nil {
            guard isUnsaved else { continue }
            await save()
            guard (try? await Task.sleep(for: Limits.savePause)) != nil else { return }
        }
    }

    private func save() async {
        guard isUnsaved, status.source == .database, let file = settings.snapshotFile else { return }
        isUnsaved = false
        let (rows, revocations) = (content.rows, content.directory.revocations)
        let saved = await file.save(at: .now) { (rows.all, revocations.entries, revocations.pools) }
        switch saved {
        case .success(let count): outlet.observe(.snapshotSaved(rows: count))
        case .failure(let flaw):
            // Tried again after the pause: a disk does not stay full.
            isUnsaved = true
            outlet.observe(.snapshotUnwritable(flaw))
        }
    }
}
