/// Which of the waiting key fetches may begin now. A pure value.
///
/// Its rules hold however many endpoints hang: fetches of a kind wait in a lane of their own, and those of pools whose
/// last fetch failed, or that an unknown `kid` caused, never get more than their share.
struct FetchQueue: Sendable {
    /// Names one fetch; no number is used twice.
    typealias Ticket = UInt64

    private var lanes: [FetchPriority: Lane] = [:]
    /// The lane of each fetch that has not begun.
    private var queued: [Ticket: FetchPriority] = [:]
    private var running: [Ticket: FetchPriority] = [:]
    private var runningAfterFailure = 0
    private var unknownKeyRate = RateLimit(
        burst: Limits.unknownKeyFetchesPerSecond,
        interval: Limits.unknownKeyFetchSpacing)

    /// How many fetches are under way.
    var runningCount: Int { running.count }
    /// How many fetches have not begun.
    var queuedCount: Int { queued.count }

    /// Puts a fetch at the end of its lane.
    mutating func add(_ ticket: Ticket, _ priority: FetchPriority) {
        queued[ticket] = priority
        lanes[priority, default: Lane()].append(ticket)
    }

    /// Moves a fetch that still waits to the end of another lane; does nothing to one under way.
    mutating func update(_ ticket: Ticket, _ priority: FetchPriority) {
        guard let old = queued[ticket], old != priority else { return }
        add(ticket, priority)
    }

    /// Forgets a fetch that ended, or that nobody wants any more.
    mutating func remove(_ ticket: Ticket) {
        queued[ticket] = nil
        if let priority = running.removeValue(forKey: ticket), priority.lastFetchFailed {
            runningAfterFailure -= 1
        }
    }

    /// The next fetch to begin, which counts as under way from here on; nil where none may begin now.
    mutating func next(at now: ContinuousClock.Instant) -> Ticket? {
        guard running.count < Limits.transfersAtOnce else { return nil }
        for priority in FetchPriority.lanes {
            if priority.lastFetchFailed, runningAfterFailure >= Limits.transfersAtOnceAfterFailure {
                continue
            }
            guard let ticket = first(in: priority) else { continue }
            if priority.forUnknownKey, !unknownKeyRate.take(at: now) { continue }
            lanes[priority]?.dropFirst()
            queued[ticket] = nil
            running[ticket] = priority
            if priority.lastFetchFailed { runningAfterFailure += 1 }
            return ticket
        }
        return nil
    }

    /// When a fetch may begin that only the rate limit on unknown `kid`s holds back; nil where there is none.
    mutating func nextStart(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let isHeld = FetchPriority.lanes.contains { $0.forUnknownKey && first(in: $0) != nil }
        return isHeld ? unknownKeyRate.nextChance(at: now) : nil
    }

    private mutating func first(in priority: FetchPriority) -> Ticket? {
        guard var lane = lanes[priority] else { return nil }
        let ticket = lane.first { queued[$0] == priority }
        lanes[priority] = lane.isEmpty ? nil : lane
        return ticket
    }
}

/// A queue of tickets. Those of fetches that were moved or forgotten stay in it, and are skipped when they come first.
private struct Lane: Sendable {
    private var tickets: [FetchQueue.Ticket] = []
    private var head = 0

    var isEmpty: Bool { head == tickets.count }

    mutating func append(_ ticket: FetchQueue.Ticket) {
        tickets.append(ticket)
    }

    mutating func first(where isCurrent: (FetchQueue.Ticket) -> Bool) -> FetchQueue.Ticket? {
        while head < tickets.count {
            if isCurrent(tickets[head]) { return tickets[head] }
            head += 1
        }
        tickets.removeAll(keepingCapacity: true)
        head = 0
        return nil
    }

    mutating func dropFirst() {
        head += 1
        if head > Limits.passedTicketsKept, head * 2 > tickets.count {
            tickets.removeFirst(head)
            head = 0
        }
    }
}
