import Gatekeeper
import NIOCore

/// Who may have a thread for work that blocks, such as looking a name up: a value, so that tests drive its time.
///
/// The same key is worked on once for all who ask. Three kinds of work have bounds of their own: what a request waits
/// for, what is only made anew, and what took long the last time; what takes long now counts for itself, too; and a
/// tenant that waits for several keys has few of them worked on at once. So a hundred keys that hang hold up neither
/// one that does not nor another tenant's.
struct BlockingTurns<Key: Hashable, Waiter> {
    /// What is done about a question.
    enum Reply {
        /// The waiter hears when the work is done; it may be one of those that begin now.
        case wait
        /// The last work on this key failed a moment ago, and is not tried again at once.
        case failed(any Error)
        /// Too many wait already.
        case full
    }

    private struct Flight {
        var lane: BlockingLane
        var waiters: [Waiter]
        /// Those in whose names it stands in line.
        var tenants: Set<HostPattern>
        /// In whose share a thread works on it.
        var tenant: HostPattern?
        /// When a thread began; nil while in line.
        var began: NIODeadline?
    }

    /// A place in line.
    private struct Place {
        let key: Key
        let tenant: HostPattern?
    }

    /// What is remembered of a key's last work.
    private struct Memory {
        let error: (any Error)?
        let failedUntil: NIODeadline
        /// How long it is done apart from others, because it took long.
        let slowUntil: NIODeadline
    }

    private var flights: [Key: Flight] = [:]
    private var lines: [BlockingLane: FairLine<HostPattern?, Place>] = [:]
    private var running: [BlockingLane: Int] = [:]
    /// When each of those that a request waits for began.
    private var begun: [Key: NIODeadline] = [:]
    private var runningOfTenant: [HostPattern: Int] = [:]
    private var memories: [Key: Memory] = [:]
    private var isTimed = false

    init() {
        for lane in BlockingLane.allCases {
            lines[lane] = FairLine(
                partyLimit: Limits.waitingForThread / 2, limit: Limits.waitingForThread)
            running[lane] = 0
        }
    }

    /// Whether anybody waits for a thread.
    var hasWaiting: Bool { lines.values.contains { !$0.isEmpty } }

    /// Whether a timer is to be set, by which others are found to hang: one at a time, while anybody waits.
    mutating func needsTimer() -> Bool {
        guard hasWaiting, !isTimed else { return false }
        isTimed = true
        return true
    }

    mutating func timerEnded() {
        isTimed = false
    }

    /// Threads at work.
    var count: Int { running.values.reduce(0, +) }

    /// Asks for the work on `key`: for a request of `tenant`, or, without one, to make it anew.
    mutating func ask(_ key: Key, for tenant: HostPattern?, _ waiter: Waiter, at now: NIODeadline) -> Reply {
        let memory = memories[key]
        if flights[key] != nil {
            flights[key]?.waiters.append(waiter)
            if let tenant { hurry(key, for: tenant) }
            return .wait
        }
        if let memory, let error = memory.error, memory.failedUntil > now { return .failed(error) }
        let wasSlow = memory.map { $0.slowUntil > now } ?? false
        let lane: BlockingLane = wasSlow ? .slow : tenant == nil ? .renewal : .request
        guard lines[lane]?.append(Place(key: key, tenant: tenant), of: tenant) == true else { return .full }
        flights[key] = Flight(lane: lane, waiters: [waiter], tenants: tenant.map { [$0] } ?? [])
        return .wait
    }

    /// One more tenant waits for what stands in line: it must not wait for the others' shares, nor among what is only
    /// made anew.
    private mutating func hurry(_ key: Key, for tenant: HostPattern) {
        guard let flight = flights[key], flight.began == nil, !flight.tenants.contains(tenant) else { return }
        let lane: BlockingLane = flight.lane == .renewal ? .request : flight.lane
        guard lines[lane]?.append(Place(key: key, tenant: tenant), of: tenant) == true else { return }
        flights[key]?.lane = lane
        flights[key]?.tenants.insert(tenant)
    }

    /// The next key that gets a thread; called until there is none.
    mutating func next(at now: NIODeadline) -> Key? {
        for lane in BlockingLane.allCases {
            guard var line = lines.removeValue(forKey: lane) else { continue }
            defer { lines[lane] = line }
            while hasThread(lane, at: now), let place = line.next(where: mayBegin) {
                let key = place.key
                // What stood in line more than once leaves its other places behind.
                guard let flight = flights[key], flight.lane == lane, flight.began == nil else { continue }
                flights[key]?.began = now
                flights[key]?.tenant = place.tenant
                running[lane, default: 0] += 1
                if lane == .request { begun[key] = now }
                if let tenant = place.tenant { runningOfTenant[tenant, default: 0] += 1 }
                return key
            }
        }
        return nil
    }

    private func hasThread(_ lane: BlockingLane, at now: NIODeadline) -> Bool {
        let running = running[lane, default: 0]
        guard lane == .request, running >= lane.threads else { return running < lane.threads }
        let hanging = min(begun.values.count { now - $0 >= Limits.slowWork }, Limits.hangingThreads)
        return running - hanging < lane.threads
    }

    private func mayBegin(_ place: Place) -> Bool {
        guard let tenant = place.tenant else { return true }
        return runningOfTenant[tenant, default: 0] < Limits.threadsOfTenant
    }

    /// The work on `key` is done, or failed with `error`; those who waited for it.
    mutating func ended(_ key: Key, error: (any Error)?, at now: NIODeadline) -> [Waiter] {
        guard let flight = flights.removeValue(forKey: key), let began = flight.began else { return [] }
        running[flight.lane, default: 0] -= 1
        begun[key] = nil
        if let tenant = flight.tenant {
            let left = runningOfTenant[tenant, default: 0] - 1
            runningOfTenant[tenant] = left > 0 ? left : nil
        }
        remember(key, error, wasSlow: now - began > Limits.slowWork, at: now)
        return flight.waiters
    }

    private mutating func remember(_ key: Key, _ error: (any Error)?, wasSlow: Bool, at now: NIODeadline) {
        guard error != nil || wasSlow else {
            memories[key] = nil
            return
        }
        if memories.count >= Limits.rememberedWork {
            memories = memories.filter { max($0.value.failedUntil, $0.value.slowUntil) > now }
            if memories.count >= Limits.rememberedWork { memories = [:] }
        }
        memories[key] = Memory(
            error: error, failedUntil: now + Limits.failedWorkAge,
            slowUntil: wasSlow ? now + Limits.slowWorkAge : now)
    }
}

/// The kinds of blocking work that have threads of their own.
enum BlockingLane: CaseIterable {
    /// A request waits for it.
    case request
    /// It is had already, and made anew.
    case renewal
    /// It took long the last time.
    case slow

    /// How many at once.
    var threads: Int {
        switch self {
        case .request: Limits.requestThreads
        case .renewal: Limits.renewalThreads
        case .slow: Limits.slowThreads
        }
    }
}

/// Why there was no work.
enum BlockingWorkFailure: Error {
    /// Too many wait, or the system gives no thread.
    case full
}
