package import Gatekeeper
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
    /// The snapshot of the last read of this connection.
    private var snapshot: String?
    private var echoToken = ""
    private var isConnectionOver = false
    private var isEmptinessSuspected = false
    private var failedConnections = 0
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
        snapshot = nil
        echoToken = String(UInt64.random(in: 0 ... .max), radix: 36)
        schedule = ReadSchedule(at: .now)
        let notifications = connection.notifications
        let listener = Task {
            for await notification in notifications { heard(notification) }
            isConnectionOver = true
            bell.ring()
        }
        defer { listener.cancel() }
        _ = try await connection.query(DirectoryQueries.withoutCompiling)
        try await connection.listen(to: DirectoryQueries.channel)
        try await connection.listen(to: DirectoryQueries.echoChannel)
        // The first step of a new schedule reads everything.
        try await takeStep(connection)
        schedule.echoSent(at: .now)
        _ = try await connection.query(DirectoryQueries.echo(echoToken))
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
            _ = try await connection.query(DirectoryQueries.ping, within: Limits.pingInterval)
            schedule.pinged(at: .now)
            if schedule.isListening == true { confirm() }
        case .missEcho:
            status.isListening = false
            outlet.observe(.listenSwallowed)
            outlet.report(status)
        case .wait(let time): await bell.wait(until: time)
        }
    }

    private func heard(_ notification: PostgresNotification) {
        if notification.channel == DirectoryQueries.echoChannel {
            guard notification.payload == echoToken else { return }
            if schedule.echoHeard(at: .now) { status.isListening = true }
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
        guard !isSuspiciouslyEmpty(read.rows.count == 0) else { return }
        // Parsing many rows takes a while, for which no thread of the pool that runs tasks shall be missing.
        let before = content
        let built = await BlockingThread.run { () -> (DirectoryContent, DirectoryContent.Change) in
            var after = before
            var change = after.replaceAll(with: read.rows)
            change.revocationsChanged = after.replaceRevocations(
                with: read.revocations.entries, of: read.revocations.pools)
            return (after, change)
        }
        guard var (after, change) = built else { throw .misuse("no thread could be started") }
        (change.addedPools, change.removedPools) = (
            after.pools.subtracting(content.pools), content.pools.subtracting(after.pools)
        )
        swap(&content, &after)
        failedConnections = 0
        snapshot = read.snapshot
        let isFirst = status.source != .database
        status.source = .database
        await take(change, isAnythingRead: true, isFirst: isFirst)
        observeRead(change, since: began, all: true)
    }

    private func readChanges(_ connection: PostgresConnection) async throws(PostgresError) {
        guard let snapshot else {
            schedule.fullReadWanted()
            return
        }
        let began = ContinuousClock.now
        let read = try await DirectoryReader.changes(connection, since: snapshot)
        schedule.read(all: false, at: .now, jitter: .random(in: 0..<1))
        guard !read.isTruncated else {
            schedule.fullReadWanted()
            return
        }
        guard read.rows.count <= Limits.rowsReadAsChanges, let revocations = read.revocations else {
            schedule.fullReadWanted()
            return
        }
        let isEmptied =
            read.rows.count == 0 && content.count > 0 && content.isEmptied(removing: read.removedHosts)
        guard !isSuspiciouslyEmpty(isEmptied) else { return }
        var change = content.apply(removedHosts: read.removedHosts, rows: Array(read.rows))
        change.revocationsChanged = content.apply(revocations, at: .now)
        self.snapshot = read.snapshot
        let isAnythingRead = read.rows.count > 0 || !read.removedHosts.isEmpty || change.revocationsChanged
        await take(change, isAnythingRead: isAnythingRead, isFirst: false)
        if isAnythingRead { observeRead(change, since: began, all: false) }
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
        status.snapshot = snapshot
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
            let built = await BlockingThread.run {
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
