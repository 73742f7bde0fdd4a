import Gatekeeper
import JOSE

/// Every decision about one pool's keys: when to fetch them, which keys to trust, and which waiting requests resume.
///
/// A pure value. Each event is a method that takes the time it happened at and returns actions, which `UserPool` does in
/// their order.
struct KeySetMachine: Sendable {
    typealias Ticket = UInt64

    /// One point of time on both clocks. Timers follow the monotonic one, which nobody can set; how long keys are trusted
    /// follows the wall clock, as the times in tokens do.
    struct Moment: Sendable {
        let monotonic: ContinuousClock.Instant
        let wall: Instant
    }

    /// Why a fetch is made.
    enum Cause: Sendable, Equatable {
        /// The key set is old, or was never fetched.
        case scheduled
        /// A request needs a key that the set does not hold.
        case unknownKey
        /// A person asked for it.
        case manual
    }

    /// What `UserPool` is to do.
    enum Action: Sendable {
        /// Begin a fetch, and hand its result to `fetchEnded` together with this ticket.
        case fetch(Ticket, FetchPriority)
        /// Give the fetch under way another priority.
        case update(FetchPriority)
        /// Have requests judged by these keys from now on.
        case publish(PublishedKeys)
        /// Tell the log that these keys are not trusted any more: the set published just now lacks them.
        case withdraw([KeyID])
        /// Resume every request that waits for the key.
        case resume(KeyID, KeyLookupResult)
        /// Call `timerFired` at this time, and at none that was asked for before.
        case wake(ContinuousClock.Instant)
    }

    /// What becomes of a request that needs a key.
    enum Lookup: Sendable {
        /// The result is known at once.
        case known(KeyLookupResult)
        /// The request waits: note it first, then do the actions, one of which may resume it.
        case waiting([Action])
    }

    /// A fetch that has begun.
    private struct Flight: Sendable {
        let ticket: Ticket
        let cause: Cause
        var priority: FetchPriority
    }

    /// The published set; nil before the first success.
    private(set) var keys: PublishedKeys?
    /// Whether the published set was kept on disk, and no fetch has succeeded since.
    private(set) var areKeysFromDisk = false
    /// Since when each published key is known.
    private(set) var firstSeen: [KeyID: Instant] = [:]
    /// When a fetch last brought a usable set.
    private(set) var lastSuccess: Moment?
    /// When a fetch last ended, well or not.
    private(set) var lastAttempt: Moment?
    /// Why the latest fetch failed; nil after a success and before any.
    private(set) var failure: KeyFetchFailure?
    /// How many fetches in a row have failed up to now.
    private(set) var failures = 0
    /// When the set is to be fetched again though nobody asks; nil before the first fetch has ended.
    private var nextRefresh: ContinuousClock.Instant?
    /// An earlier fetch, which a request asked for.
    private var early: (at: ContinuousClock.Instant, cause: Cause)?
    private var flight: Flight?
    private var lastTicket: Ticket = 0
    /// Whether a person asked for fresh keys while a fetch was under way, which may bring older ones.
    private var isRefreshWantedAgain = false
    /// How many fetches in a row a person's refresh has asked for, to confirm that keys are missing.
    private var confirmations = 0
    /// The keys that requests wait for, each with the first fetch that begins after the request came: only the result of
    /// that fetch, or of a later one, can say that the key does not exist.
    private var waiting: [KeyID: Ticket] = [:]
    /// Published keys that the latest fetched set lacked, with the time since when sets have lacked them.
    private var missing: [KeyID: ContinuousClock.Instant] = [:]
    /// How often tokens with an unknown `kid` may still cause a fetch.
    private var unknownKeyRate = RateLimit(
        burst: Limits.unknownKeyFetches, interval: Limits.unknownKeyFetchInterval)
    private var unknown = UnknownKeyMemory()

    /// Whether a person's refresh found keys missing, and the fetch that confirms it has not ended.
    var isConfirming: Bool { confirmations > 0 }
    /// Whether a fetch is under way.
    var isFetching: Bool { flight != nil }
    /// When the next fetch is due; nil while the first one is under way.
    var nextFetch: ContinuousClock.Instant? {
        guard let early else { return nextRefresh }
        return min(early.at, nextRefresh ?? early.at)
    }
    /// How many keys requests wait for.
    var waitingKeys: Int { waiting.count }
    /// How many `kid`s are remembered as unknown.
    var rememberedUnknownKeys: Int { unknown.count }

    /// Whether the published set holds the key and may still be trusted.
    func holds(_ kid: KeyID, at wall: Instant) -> Bool {
        guard let keys, wall < keys.usableUntil else { return false }
        return keys.keySet[kid] != nil
    }

    // MARK: Events

    /// The keys that were kept on disk, fetched at `fetchedAt` by today's clock. They are trusted as long as if the program
    /// had not ended, and are fetched anew when the pool starts.
    mutating func restored(
        _ keySet: JSONWebKeySet, fetchedAt: Instant, firstSeen: [KeyID: Instant], at now: Moment
    ) -> [Action] {
        let published = PublishedKeys(
            keySet: keySet, usableUntil: fetchedAt.advanced(bySeconds: Limits.believedSeconds))
        guard keys == nil, flight == nil, now.wall < published.usableUntil else { return [] }
        keys = published
        areKeysFromDisk = true
        lastSuccess = Moment(monotonic: now.monotonic, wall: fetchedAt)
        noteFirstSeen(firstSeen, at: fetchedAt)
        return [.publish(published)]
    }

    /// A tenant names the pool: its keys are fetched ahead of the first request.
    mutating func started() -> [Action] {
        guard flight == nil, lastAttempt == nil else { return [] }
        return [begin(.scheduled)]
    }

    /// The time asked for by `wake` has come.
    mutating func timerFired(at now: Moment) -> [Action] {
        let isRefreshDue = nextRefresh.map { $0 <= now.monotonic } ?? false
        if var current = flight {
            // A refresh is due anyway while a fetch for an unknown key waits: so that fetch is one like others now.
            guard isRefreshDue, current.priority.forUnknownKey else { return isRefreshDue ? [] : wakeUp() }
            current.priority.forUnknownKey = false
            flight = current
            return [.update(current.priority)]
        }
        if isRefreshDue { return [begin(.scheduled)] }
        if let early, early.at <= now.monotonic { return [begin(early.cause)] + wakeUp() }
        return wakeUp()
    }

    /// A request needs a key that the keys it was judged by do not hold.
    mutating func keyWanted(_ kid: KeyID, at now: Moment) -> Lookup {
        if holds(kid, at: now.wall) { return .known(.present) }
        if waiting[kid] != nil { return .waiting(hasten()) }
        let isUsable = keys.map { now.wall < $0.usableUntil } ?? false
        if isUsable, let since = unknown[kid], !mayAskAgain(since: since, at: now.monotonic) {
            return .known(.absent)
        }
        if flight == nil {
            let earliest = earliestFetch(at: now.monotonic)
            let isSoon = nextFetch.map { $0 <= earliest } ?? false
            if !isSoon, isUsable, !unknownKeyRate.take(at: now.monotonic) {
                return .known(failures > 0 ? .unavailable : .absent)
            }
            if !isSoon { early = (earliest, isUsable ? .unknownKey : .scheduled) }
        }
        waiting[kid] = lastTicket + 1
        return .waiting(flight == nil ? timerFired(at: now) : hasten())
    }

    /// No request waits for the key any more.
    mutating func waitEnded(_ kid: KeyID) {
        waiting[kid] = nil
    }

    /// A person asks for fresh keys. The ticket is that of the fetch which brings them: the one that begins now or, while
    /// another is under way, the one after it.
    mutating func refreshWanted() -> (ticket: Ticket, actions: [Action]) {
        guard flight != nil else {
            let action = begin(.manual)
            return (lastTicket, [action])
        }
        isRefreshWantedAgain = true
        return (lastTicket + 1, hasten(evenIfNobodyWaits: true))
    }

    /// The fetch with this ticket has ended. `jitter` is a random number in 0..<1. Another ticket than that of the fetch
    /// under way changes nothing.
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
        areKeysFromDisk = false
        noteFirstSeen(firstSeen, at: now.wall)
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
        confirm(after: ended.cause, at: now)
        if isRefreshWantedAgain {
            isRefreshWantedAgain = false
            actions.append(begin(.manual))
        } else if !again.isEmpty {
            // Requests asked for these while the fetch was under way, so its set may be older than the keys.
            if unknownKeyRate.take(at: now.monotonic) {
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
        confirmations = 0
        var actions = waiting.keys.map { Action.resume($0, .unavailable) }
        waiting = [:]
        nextRefresh = now.monotonic + Limits.fetchRetry.pause(afterFailures: failures, jitter: jitter)
        if isRefreshWantedAgain {
            isRefreshWantedAgain = false
            actions.append(begin(.manual))
        }
        return actions + wakeUp()
    }

    /// The set to publish: the fetched one, and those published keys that it lacks but that are not confirmed to be
    /// withdrawn yet; and the keys that are.
    private mutating func merge(
        _ fetched: JSONWebKeySet, cause: Cause, at now: Moment
    ) -> (set: JSONWebKeySet, withdrawn: [KeyID]) {
        guard let previous = keys else { return (fetched, []) }
        let adopted = fetched.adopting(previous: previous.keySet)
        var kept: [VerificationKey] = []
        var withdrawn: [KeyID] = []
        var stillMissing: [KeyID: ContinuousClock.Instant] = [:]
        let isBelieved = now.wall < previous.usableUntil
        for key in previous.keySet.keys where adopted[key.keyID] == nil {
            let since = missing[key.keyID] ?? now.monotonic
            // Two fetches in a row may reach the same server of the endpoint, with the same old set, so a second set
            // without the key counts only a while after the first. A person who asks for a refresh
            // waits less long.
            let isConfirmed =
                missing[key.keyID] != nil
                && since.duration(to: now.monotonic)
                    >= (cause == .manual ? Limits.manualConfirmation : Limits.withdrawalConfirmation)
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

    /// After a person's refresh that found keys missing, has another one begin a little later, which confirms that.
    private mutating func confirm(after cause: Cause, at now: Moment) {
        guard cause == .manual || isConfirming else { return }
        guard !missing.isEmpty, confirmations < Limits.confirmationsInARow else {
            confirmations = 0
            return
        }
        confirmations += 1
        early = (now.monotonic + Limits.manualConfirmation, .manual)
    }

    /// Notes since when each of the published keys is known; `known` says it of those that were there before.
    private mutating func noteFirstSeen(_ known: [KeyID: Instant], at time: Instant) {
        guard let keys else { return }
        firstSeen = Dictionary(keys.keySet.keys.map { ($0.keyID, known[$0.keyID] ?? time) }) { first, _ in
            first
        }
    }

    // MARK: The next fetch

    /// Sets the time of the next refresh: when the response stops being fresh, within bounds, and earlier where a key is
    /// missing. `jitter` spreads the fetches of many pools.
    private mutating func schedule(after fetched: FetchedKeys, at now: Moment, jitter: Double) {
        let hint = fetched.freshSeconds.map { Duration.seconds($0) } ?? Limits.defaultLife
        let life = min(max(hint, Limits.shortestLife), Limits.longestLife)
        var next = now.monotonic + life * (0.8 + 0.15 * jitter)
        if let since = missing.values.min() {
            next = min(next, max(now.monotonic, since + Limits.withdrawalConfirmation))
        }
        nextRefresh = next
    }

    /// When a fetch that a request asks for may begin: shortly after one that failed, else at once.
    private func earliestFetch(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard failures > 0, let lastAttempt else { return now }
        return max(now, lastAttempt.monotonic + Limits.fetchRetry.shortest)
    }

    /// Whether a key that a set lacked at `since` may cause another fetch: after a while, but never the last one that the
    /// rate limit allows, which is kept for a key that nobody has asked for yet.
    private mutating func mayAskAgain(since: ContinuousClock.Instant, at now: ContinuousClock.Instant) -> Bool
    {
        flight == nil && since.duration(to: now) >= Limits.unknownKeyFetchInterval
            && unknownKeyRate.available(at: now) > 1
    }

    /// Asks for a timer at the next fetch.
    private func wakeUp() -> [Action] {
        nextFetch.map { [.wake($0)] } ?? []
    }

    /// Has the fetch under way go before those that nobody waits for.
    private mutating func hasten(evenIfNobodyWaits: Bool = false) -> [Action] {
        guard var current = flight, !current.priority.requestsWait || evenIfNobodyWaits else { return [] }
        current.priority.requestsWait = true
        flight = current
        return [.update(current.priority)]
    }

    /// Begins a fetch.
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
