package import Gatekeeper
package import JOSE

/// One user pool's keys. The actor holds the tasks, timers and waiting requests; every decision is `KeySetMachine`'s.
package actor UserPool {
    /// Takes the pool's keys, before any waiting request resumes, and nil when the pool is stopped.
    package typealias Publish = @Sendable (PoolName, PublishedKeys?) -> Void

    private struct Waiter {
        let kid: KeyID
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<KeyLookupResult, Never>
    }

    private struct Refresh {
        let ticket: KeySetMachine.Ticket
        /// The keys that ceased to be trusted since it began.
        var withdrawn: [KeyID] = []
        let continuation: CheckedContinuation<[KeyID], Never>
    }

    /// The pool.
    package nonisolated let pool: PoolName
    private let source: KeySetSource
    private let publish: Publish
    private let report: @Sendable (PoolStatus) -> Void
    private let observe: Observe
    private let keyWait: Duration
    private let saver: KeySaver?

    private var machine = KeySetMachine()
    private var isStopped = false
    /// The fetch under way.
    private var flight: Task<Void, Never>?
    private var timer: Task<Void, Never>?
    /// Tells the timer in use from earlier ones, which may fire while they are being cancelled.
    private var timerNumber: UInt64 = 0
    private var state = PoolStatus.State.waiting
    private var since: Instant
    private var sightings = KeySightings()

    private var waiters: [UInt64: Waiter] = [:]
    private var waitersOfKey: [KeyID: Set<UInt64>] = [:]
    private var lastWaiter: UInt64 = 0
    /// Waiters in the order of their deadlines, those that have resumed already included.
    private var deadlines: [UInt64] = []
    /// The one timer for all waiters.
    private var sweep: Task<Void, Never>?
    /// Refreshes by hand that wait, each for the end of a fetch.
    private var refreshes: [UInt64: Refresh] = [:]

    /// A pool that has fetched nothing yet, and fetches nothing before `start` or `key`.
    ///
    /// `report` gets the pool's status after every fetch. `keyWait` is how long a request waits for a key at most.
    /// `saver` keeps the pool's keys on disk.
    package init(
        _ pool: PoolName, source: KeySetSource, publish: @escaping Publish,
        report: @escaping @Sendable (PoolStatus) -> Void = { _ in },
        observe: @escaping Observe = { _ in }, keyWait: Duration = Limits.keyWait, saver: KeySaver? = nil
    ) {
        self.pool = pool
        self.source = source
        self.publish = publish
        self.report = report
        self.observe = observe
        self.keyWait = keyWait
        self.saver = saver
        self.since = .now
    }

    /// Takes the keys that are on disk, where there are any, and fetches the keys ahead of the first request.
    package func start() {
        guard !isStopped else { return }
        restore()
        perform(machine.started())
        reportStatus()
    }

    /// Waits until the pool's key set holds the key, or is known to lack it, or the wait is over, which is `unavailable`.
    ///
    /// Cancelling the task ends this wait alone, also with `unavailable`.
    package func key(_ kid: KeyID) async -> KeyLookupResult {
        let now = KeySetMachine.Moment.now
        guard !isStopped else { return .unavailable }
        guard waiters.count < Limits.waitersPerPool else {
            return machine.holds(kid, at: now.wall) ? .present : .unavailable
        }
        switch machine.keyWanted(kid, at: now) {
        case .known(let result): return result
        case .waiting(let actions):
            lastWaiter += 1
            let id = lastWaiter
            return await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    register(id, kid, continuation, now: now.monotonic)
                    perform(actions)
                }
            } onCancel: {
                Task { await self.giveUp(id) }
            }
        }
    }

    /// Fetches now, whatever the schedule says, and where that finds keys missing once more a second later. Returns the
    /// pool's status afterwards, and which keys ceased to be trusted meanwhile.
    package func refreshNow() async -> (status: PoolStatus, withdrawn: [KeyID]) {
        guard !isStopped, refreshes.count < Limits.refreshesWaiting else { return (status(), []) }
        let (ticket, actions) = machine.refreshWanted()
        lastWaiter += 1
        let id = lastWaiter
        let withdrawn = await withCheckedContinuation { continuation in
            refreshes[id] = Refresh(ticket: ticket, continuation: continuation)
            perform(actions)
        }
        return (status(), withdrawn)
    }

    /// The pool's status now.
    package func status() -> PoolStatus {
        let now = KeySetMachine.Moment.now
        let keyIDs = machine.keys.map { now.wall < $0.usableUntil ? $0.keySet.keys.map(\.keyID) : [] } ?? []
        return PoolStatus(
            pool: pool, state: state, keyIDs: keyIDs,
            areKeysFromDisk: machine.areKeysFromDisk && !keyIDs.isEmpty,
            firstSeen: machine.firstSeen, since: since,
            lastSuccess: machine.lastSuccess?.wall,
            trustedUntil: keyIDs.isEmpty ? nil : machine.keys?.usableUntil,
            lastAttempt: machine.lastAttempt?.wall,
            nextAttempt: machine.nextFetch.map { now.wall(at: $0) }, failure: machine.failure,
            sightings: sightings.all,
            endpoint: source.endpoint(pool))
    }

    /// Ends the pool: cancels its fetch, unpublishes its keys, and resumes waiting requests with `unavailable`.
    package func stop() {
        guard !isStopped else { return }
        isStopped = true
        flight?.cancel()
        timer?.cancel()
        sweep?.cancel()
        publish(pool, nil)
        for waiter in waiters.values { waiter.continuation.resume(returning: .unavailable) }
        waiters = [:]
        waitersOfKey = [:]
        deadlines = []
        for refresh in refreshes.values { refresh.continuation.resume(returning: refresh.withdrawn) }
        refreshes = [:]
    }

    // MARK: Events

    private func fetchEnded(_ ticket: KeySetMachine.Ticket, _ result: KeyFetchResult) {
        guard !isStopped else { return }
        flight = nil
        let now = KeySetMachine.Moment.now
        let actions = machine.fetchEnded(ticket, result, at: now, jitter: .random(in: 0..<1))
        switch result {
        case .success(let fetched):
            sightings.saw(fetched.keySet.keys.map(\.keyID), at: now.wall)
            observe(
                .keysFetched(pool, kids: fetched.keySet.keys.map(\.keyID), skipped: fetched.keySet.skipped))
        case .failure(let failure):
            observe(
                .keysFetchFailed(
                    pool, failure, endpoint: source.endpoint(pool),
                    nextAttempt: machine.nextFetch.map { now.wall(at: $0) }))
        }
        let newState = machine.failures > 0 ? PoolStatus.State.failing : .ready
        if newState != state {
            state = newState
            since = now.wall
        }
        perform(actions)
        if case .success = result { save() }
        reportStatus()
        // A refresh that found keys missing waits for its second fetch, too.
        guard !machine.isConfirming else { return }
        for (id, refresh) in refreshes where refresh.ticket <= ticket {
            refreshes[id] = nil
            refresh.continuation.resume(returning: refresh.withdrawn)
        }
    }

    private func timerFired(_ number: UInt64) {
        guard !isStopped, number == timerNumber else { return }
        timer = nil
        perform(machine.timerFired(at: .now))
    }

    private func giveUp(_ id: UInt64) {
        resume(id, with: .unavailable)
    }

    private func sweepWaiters() {
        sweep = nil
        let now = ContinuousClock.now
        var passed = 0
        for id in deadlines {
            if let waiter = waiters[id] {
                guard waiter.deadline <= now else { break }
                resume(id, with: .unavailable)
            }
            passed += 1
        }
        deadlines.removeFirst(passed)
        scheduleSweep()
    }

    // MARK: Actions

    private func perform(_ actions: [KeySetMachine.Action]) {
        for action in actions {
            switch action {
            case .fetch(let ticket, let priority): fetch(ticket, priority)
            case .update(let priority): source.update(pool, priority)
            case .publish(let keys): publish(pool, keys)
            case .withdraw(let kids): withdraw(kids)
            case .resume(let kid, let result):
                for id in waitersOfKey[kid] ?? [] { resume(id, with: result) }
            case .wake(let time): wake(at: time)
            }
        }
    }

    private func fetch(_ ticket: KeySetMachine.Ticket, _ priority: FetchPriority) {
        let (pool, source) = (pool, source)
        flight = Task {
            let result = await source.fetch(pool, priority)
            fetchEnded(ticket, result)
        }
    }

    private func wake(at time: ContinuousClock.Instant) {
        timer?.cancel()
        timerNumber += 1
        let number = timerNumber
        timer = Task {
            try? await Task.sleep(until: time, tolerance: Limits.refreshTolerance, clock: .continuous)
            timerFired(number)
        }
    }

    private func withdraw(_ kids: [KeyID]) {
        observe(.keysWithdrawn(pool, kids: kids))
        for id in refreshes.keys { refreshes[id]?.withdrawn += kids }
    }

    // MARK: Disk

    private func restore() {
        let now = KeySetMachine.Moment.now
        guard let saved = saver?.takeRestored(pool), let keySet = saved.keySet(at: now.wall) else { return }
        perform(
            machine.restored(keySet, fetchedAt: saved.fetchedAt, firstSeen: saved.firstSeen, at: now))
        saver?.note(
            pool, keySet, fetchedAt: saved.fetchedAt, firstSeen: machine.firstSeen, areFromDisk: true)
        for (kid, time) in machine.firstSeen.sorted(by: { $0.value < $1.value }) {
            sightings.saw([kid], at: time)
        }
    }

    private func save() {
        guard let keys = machine.keys, let fetched = machine.lastSuccess else { return }
        saver?.note(pool, keys.keySet, fetchedAt: fetched.wall, firstSeen: machine.firstSeen)
    }

    private func reportStatus() {
        report(status())
    }

    // MARK: Waiters

    private func register(
        _ id: UInt64, _ kid: KeyID, _ continuation: CheckedContinuation<KeyLookupResult, Never>,
        now: ContinuousClock.Instant
    ) {
        waiters[id] = Waiter(kid: kid, deadline: now + keyWait, continuation: continuation)
        waitersOfKey[kid, default: []].insert(id)
        deadlines.append(id)
        scheduleSweep()
    }

    private func resume(_ id: UInt64, with result: KeyLookupResult) {
        guard let waiter = waiters.removeValue(forKey: id) else { return }
        waitersOfKey[waiter.kid]?.remove(id)
        if waitersOfKey[waiter.kid]?.isEmpty ?? false {
            waitersOfKey[waiter.kid] = nil
            machine.waitEnded(waiter.kid)
        }
        waiter.continuation.resume(returning: result)
    }

    /// Sets the timer of the waiter that came first: all wait equally long, so it is the first whose time is over.
    private func scheduleSweep() {
        guard sweep == nil else { return }
        guard let first = deadlines.lazy.compactMap({ self.waiters[$0] }).first else {
            deadlines = []
            return
        }
        sweep = Task {
            try? await Task.sleep(until: first.deadline, clock: .continuous)
            guard !isStopped else { return }
            sweepWaiters()
        }
    }
}

extension KeySetMachine.Moment {
    /// Now, on both clocks.
    static var now: KeySetMachine.Moment {
        KeySetMachine.Moment(monotonic: .now, wall: .now)
    }

    /// What the wall clock will show at a time of the other clock, if nobody moves it.
    func wall(at time: ContinuousClock.Instant) -> Instant {
        wall.advanced(bySeconds: monotonic.duration(to: time).components.seconds)
    }
}
