import Gatekeeper
import JOSE

/// Every decision about one pool's keys: when to fetch, whom to answer, what to publish.
///
/// A pure value: events go in with the time they happened at, actions come out in the order to do them in.
struct KeySetMachine: Sendable {
    typealias Ticket = UInt64

    /// One point of time on both clocks: timers follow the first, trust in keys the second.
    struct Moment: Sendable {
        let monotonic: ContinuousClock.Instant
        let wall: Instant
    }

    /// Why a fetch is made.
    enum Cause: Sendable, Equatable {
        case scheduled, unknownKey, manual
    }

    enum Action: Sendable {
        /// Begin a fetch and hand its result to `fetchEnded` with this ticket.
        case fetch(Ticket, FetchPriority)
        /// The fetch under way has another turn now.
        case update(FetchPriority)
        case publish(PublishedKeys)
        /// These keys were in the published set and are not any more.
        case withdraw([KeyID])
        /// Answer every request that waits for the key.
        case resume(KeyID, KeyLookupResult)
        /// Call `timerFired` at this time and forget any earlier wish.
        case wake(ContinuousClock.Instant)
    }

    /// What a request for a key hears.
    enum Reply: Sendable {
        case answered(KeyLookupResult)
        /// Register the request first, then do the actions.
        case waiting([Action])
    }

    private struct Flight: Sendable {
        let ticket: Ticket
        let cause: Cause
        var priority: FetchPriority
    }

    /// The published set; nil before the first success.
    private(set) var keys: PublishedKeys?
    private(set) var lastSuccess: Moment?
    private(set) var lastAttempt: Moment?
    /// Why the latest fetch failed; nil after a success and before any.
    private(set) var failure: KeyFetchFailure?
    private(set) var failures = 0
    /// When the next fetch is due by itself; nil before the first ended.
    private var nextRefresh: ContinuousClock.Instant?
    /// A fetch before that, which a request asks for.
    private var early: (at: ContinuousClock.Instant, cause: Cause)?
    private var flight: Flight?
    private var lastTicket: Ticket = 0
    private var isRefreshWantedAgain = false
    /// Keys that requests wait for, with the first fetch whose answer counts as later than the question.
    private var waiting: [KeyID: Ticket] = [:]
    /// Published keys that the latest good answer lacked, since when.
    private var missing: [KeyID: ContinuousClock.Instant] = [:]
    private var bucket = TokenBucket(
        capacity: Limits.unknownKeyFetches, interval: Limits.unknownKeyFetchInterval)
    private var unknown = UnknownKeyMemory()

    var isFetching: Bool { flight != nil }
    /// When the next fetch begins, as far as that is known; nil while the first one is under way.
    var nextFetch: ContinuousClock.Instant? {
        guard let early else { return nextRefresh }
        return min(early.at, nextRefresh ?? early.at)
    }
    var waitingKeys: Int { waiting.count }
    var rememberedUnknownKeys: Int { unknown.count }

    /// Whether the published set holds the key and may still be believed.
    func holds(_ kid: KeyID, at wall: Instant) -> Bool {
        guard let keys, wall < keys.usableUntil else { return false }
        return keys.keySet[kid] != nil
    }

    // MARK: Events

    /// The pool has its first tenant: keys are fetched ahead of the first request.
    mutating func started() -> [Action] {
        guard flight == nil, lastAttempt == nil else { return [] }
        return [begin(.scheduled)]
    }

    /// The time asked for by `wake` has come.
    mutating func timerFired(at now: Moment) -> [Action] {
        let isRefreshDue = nextRefresh.map { $0 <= now.monotonic } ?? false
        if var current = flight {
            // A refresh is due while a fetch for an unknown key waits for its turn: it need not wait any longer.
            guard isRefreshDue, current.priority.forUnknownKey else { return isRefreshDue ? [] : wakeUp() }
            current.priority.forUnknownKey = false
            flight = current
            return [.update(current.priority)]
        }
        if isRefreshDue { return [begin(.scheduled)] }
        if let early, early.at <= now.monotonic { return [begin(early.cause)] + wakeUp() }
        return wakeUp()
    }

    /// A request needs a key that its loop does not see.
    mutating func keyWanted(_ kid: KeyID, at now: Moment) -> Reply {
        if holds(kid, at: now.wall) { return .answered(.present) }
        if waiting[kid] != nil { return .waiting(hasten()) }
        let isUsable = keys.map { now.wall < $0.usableUntil } ?? false
        if isUsable, let since = unknown[kid], !mayAskAgain(since: since, at: now.monotonic) {
            return .answered(.absent)
        }
        if flight == nil {
            let earliest = earliestFetch(at: now.monotonic)
            let isSoon = nextFetch.map { $0 <= earliest } ?? false
            if !isSoon, isUsable, !bucket.take(at: now.monotonic) {
                return .answered(failures > 0 ? .unavailable : .absent)
            }
            if !isSoon { early = (earliest, isUsable ? .unknownKey : .scheduled) }
        }
        waiting[kid] = lastTicket + 1
        return .waiting(flight == nil ? timerFired(at: now) : hasten())
    }

    /// The last request that waited for the key gave up.
    mutating func waitEnded(_ kid: KeyID) {
        waiting[kid] = nil
    }

    /// A person asks for fresh keys; the fetch whose end answers them comes back with the actions.
    mutating func refreshWanted() -> (ticket: Ticket, actions: [Action]) {
        guard flight != nil else {
            let action = begin(.manual)
            return (lastTicket, [action])
        }
        isRefreshWantedAgain = true
        return (lastTicket + 1, hasten(evenIfNobodyWaits: true))
    }

    /// A fetch came to its end; `jitter` is a random number in 0..<1. An outdated ticket changes nothing.
    mutating func fetchEnded(
        _ ticket: Ticket, _ result: KeyFetchResult, at now: Moment, jitter: Double
    ) -> [Action] {
        guard let ended = flight, ended.ticket == ticket else { return [] }
        flight = nil
        lastAttempt = now
        switch result {
        case .success(let fetched):
            return succeed(fetched, ended, at: now, jitter: jitter)
        case .failure(let failure):
            return fail(failure, at: now, jitter: jitter)
        }
    }

    // MARK: Ends of fetches

    private mutating func succeed(
        _ fetched: FetchedKeys, _ ended: Flight, at now: Moment, jitter: Double
    ) -> [Action] {
        let (keySet, withdrawn) = merge(fetched.keySet, cause: ended.cause, at: now)
        let published = PublishedKeys(
            keySet: keySet, usableUntil: now.wall.advanced(bySeconds: Limits.believedSeconds))
        keys = published
        failures = 0
        failure = nil
        lastSuccess = now
        unknown.forget { keySet[$0] != nil }
        var actions: [Action] = [.publish(published)]
        if !withdrawn.isEmpty { actions.append(.withdraw(withdrawn)) }

        var again: [KeyID] = []
        for (kid, counting) in waiting {
            if keySet[kid] != nil {
                waiting[kid] = nil
                actions.append(.resume(kid, .present))
            } else if counting <= ended.ticket {
                waiting[kid] = nil
                unknown.remember(kid, at: now.monotonic)
                actions.append(.resume(kid, .absent))
            } else {
                again.append(kid)
            }
        }
        schedule(after: fetched, at: now, jitter: jitter)
        if isRefreshWantedAgain {
            isRefreshWantedAgain = false
            actions.append(begin(.manual))
        } else if !again.isEmpty {
            // These were asked for while the fetch was under way: its answer may be older than the question.
            if bucket.take(at: now.monotonic) {
                actions.append(begin(.unknownKey))
            } else {
                for kid in again {
                    waiting[kid] = nil
                    actions.append(.resume(kid, .absent))
                }
            }
        }
        return actions + wakeUp()
    }

    private mutating func fail(_ reason: KeyFetchFailure, at now: Moment, jitter: Double) -> [Action] {
        failures += 1
        failure = reason
        var actions = waiting.keys.map { Action.resume($0, .unavailable) }
        waiting = [:]
        let doubled = Limits.shortestRetry * (1 << min(failures - 1, 10))
        nextRefresh = now.monotonic + min(doubled, Limits.longestRetry) * (0.75 + 0.5 * jitter)
        if isRefreshWantedAgain {
            isRefreshWantedAgain = false
            actions.append(begin(.manual))
        }
        return actions + wakeUp()
    }

    /// The set to publish: the answer, and those keys it lacks that are not yet known to be withdrawn.
    private mutating func merge(
        _ answer: JSONWebKeySet, cause: Cause, at now: Moment
    ) -> (set: JSONWebKeySet, withdrawn: [KeyID]) {
        guard let previous = keys else { return (answer, []) }
        let adopted = answer.adopting(previous: previous.keySet)
        var kept: [VerificationKey] = []
        var withdrawn: [KeyID] = []
        var stillMissing: [KeyID: ContinuousClock.Instant] = [:]
        let isBelieved = now.wall < previous.usableUntil
        for key in previous.keySet.keys where adopted[key.keyID] == nil {
            let since = missing[key.keyID] ?? now.monotonic
            // One edge may answer twice in a row, so the second answer counts only after a while; a person who
            // asks knows what they do.
            let isConfirmed =
                missing[key.keyID] != nil
                && (cause == .manual || since.duration(to: now.monotonic) >= Limits.withdrawalConfirmation)
            if isConfirmed || !isBelieved || kept.count >= Limits.missingKeysKept {
                withdrawn.append(key.keyID)
            } else {
                kept.append(key)
                stillMissing[key.keyID] = since
            }
        }
        missing = stillMissing
        return (adopted.adding(kept), withdrawn)
    }

    // MARK: When

    private mutating func schedule(after fetched: FetchedKeys, at now: Moment, jitter: Double) {
        let hint = fetched.freshSeconds.map { Duration.seconds($0) } ?? Limits.defaultLife
        let life = min(max(hint, Limits.shortestLife), Limits.longestLife)
        var next = now.monotonic + life * (0.8 + 0.15 * jitter)
        if let since = missing.values.min() {
            next = min(next, max(now.monotonic, since + Limits.withdrawalConfirmation))
        }
        nextRefresh = next
    }

    private func earliestFetch(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard failures > 0, let lastAttempt else { return now }
        return max(now, lastAttempt.monotonic + Limits.shortestRetry)
    }

    /// A key known to be absent may cause another fetch after a while, but never takes the last one that the
    /// bucket holds: that one is for a key nobody asked for yet.
    private mutating func mayAskAgain(since: ContinuousClock.Instant, at now: ContinuousClock.Instant) -> Bool
    {
        flight == nil && since.duration(to: now) >= Limits.unknownKeyFetchInterval
            && bucket.available(at: now) > 1
    }

    private func wakeUp() -> [Action] {
        nextFetch.map { [.wake($0)] } ?? []
    }

    private mutating func hasten(evenIfNobodyWaits: Bool = false) -> [Action] {
        guard var current = flight, !current.priority.requestsWait || evenIfNobodyWaits else { return [] }
        current.priority.requestsWait = true
        flight = current
        return [.update(current.priority)]
    }

    private mutating func begin(_ cause: Cause) -> Action {
        lastTicket += 1
        early = nil
        let priority = FetchPriority(
            lastFetchFailed: failures > 0,
            requestsWait: !waiting.isEmpty || cause == .manual,
            forUnknownKey: cause == .unknownKey)
        flight = Flight(ticket: lastTicket, cause: cause, priority: priority)
        return .fetch(lastTicket, priority)
    }
}
