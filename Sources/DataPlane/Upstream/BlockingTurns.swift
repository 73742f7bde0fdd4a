import Gatekeeper
import NIOCore

/// Which work that blocks, such as resolving a name, gets a thread next. A pure value: time is passed in.
///
/// Work on a key is done once for all that ask for it. Three kinds of work have threads of their own: work that a request
/// waits for, work that renews a value which is there, and work that took long the last time. Work that takes long now
/// counts apart, up to a bound, and each tenant has few threads at once. So a hundred names that hang hold up neither a
/// name that does not nor another tenant's.
struct BlockingTurns<Key: Hashable, Waiter> {
    /// What becomes of somebody who asks.
    enum Reply {
        /// The waiter gets the result when the work is done. The work may be what `next` returns now.
        case wait
        /// The latest work on this key failed a moment ago with this error, and is not tried again yet.
        case failed(any Error)
        /// Too much work waits already.
        case full
    }

    /// Work that waits for a thread or has one.
    private struct Flight {
        var lane: BlockingLane
        var waiters: [Waiter]
        /// The tenants in whose names it stands in line.
        var tenants: Set<HostPattern>
        /// The tenant whose share of threads it takes.
        var tenant: HostPattern?
        /// When a thread began with it; nil while it stands in line.
        var began: NIODeadline?
    }

    /// A place in line.
    private struct Place {
        let key: Key
        let tenant: HostPattern?
    }

    /// What is remembered of the latest work on a key.
    private struct Memory {
        let error: (any Error)?
        let failedUntil: NIODeadline
        /// Until when it is done apart from other work, because it took long.
        let slowUntil: NIODeadline
    }

    private var flights: [Key: Flight] = [:]
    private var lines: [BlockingLane: FairLine<HostPattern?, Place>] = [:]
    private var running: [BlockingLane: Int] = [:]
    /// When each work began that a request waits for.
    private var begun: [Key: NIODeadline] = [:]
    private var runningOfTenant: [HostPattern: Int] = [:]
    private var memories: [Key: Memory] = [:]
    /// Whether a timer is set that will look for work that hangs.
    private var isTimed = false

    init() {
        for lane in BlockingLane.allCases {
            lines[lane] = FairLine(
                partyLimit: Limits.waitingForThread / 2, limit: Limits.waitingForThread)
            running[lane] = 0
        }
    }

    /// Whether any work waits for a thread.
    var hasWaiting: Bool { lines.values.contains { !$0.isEmpty } }

    /// Notes that a timer is set, and returns true, where work waits and no timer is set yet.
    mutating func takeTimer() -> Bool {
        guard hasWaiting, !isTimed else { return false }
        isTimed = true
        return true
    }

    /// The timer has fired.
    mutating func timerEnded() {
        isTimed = false
    }

    /// How many threads are at work.
    var count: Int { running.values.reduce(0, +) }

    /// Asks for work on `key`: for a request of `tenant`, or, where that is nil, to renew a value.
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

    /// Another tenant waits for work that stands in line: puts it into line in that tenant's name as well, so that it waits
    /// neither for the other tenants' shares nor among work that only renews values.
    private mutating func hurry(_ key: Key, for tenant: HostPattern) {
        guard let flight = flights[key], flight.began == nil, !flight.tenants.contains(tenant) else { return }
        let lane: BlockingLane = flight.lane == .renewal ? .request : flight.lane
        guard lines[lane]?.append(Place(key: key, tenant: tenant), of: tenant) == true else { return }
        flights[key]?.lane = lane
        flights[key]?.tenants.insert(tenant)
    }

    /// The next key that gets a thread. To be called until it returns nil.
    mutating func next(at now: NIODeadline) -> Key? {
        for lane in BlockingLane.allCases {
            guard var line = lines.removeValue(forKey: lane) else { continue }
            defer { lines[lane] = line }
            while hasThread(lane, at: now), let place = line.next(where: mayBegin) {
                let key = place.key
                // Work that stood in line several times leaves its other places behind.
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

    /// Whether a thread is free for work of this kind. Threads that hang, up to a bound, do not count.
    private func hasThread(_ lane: BlockingLane, at now: NIODeadline) -> Bool {
        let running = running[lane, default: 0]
        guard lane == .request, running >= lane.threads else { return running < lane.threads }
        let hanging = min(begun.values.count { now - $0 >= Limits.slowWork }, Limits.hangingThreads)
        return running - hanging < lane.threads
    }

    /// Whether the tenant's share has a thread left.
    private func mayBegin(_ place: Place) -> Bool {
        guard let tenant = place.tenant else { return true }
        return runningOfTenant[tenant, default: 0] < Limits.threadsOfTenant
    }

    /// The work on `key` is done, or failed with `error`; returns those who waited for it.
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

    /// Remembers a failure, and that the work took long, for a while.
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
    /// It renews a value that is there already.
    case renewal
    /// It took long the last time.
    case slow

    /// How many threads it has.
    var threads: Int {
        switch self {
        case .request: Limits.requestThreads
        case .renewal: Limits.renewalThreads
        case .slow: Limits.slowThreads
        }
    }
}

/// Why no work was done.
enum BlockingWorkFailure: Error {
    /// Too many wait, or the system gives no thread.
    case full
}
