/// What decides when a fetch has its turn.
package struct FetchPriority: Hashable, Sendable {
    /// The pool's last fetch failed: it shares few places with others of its kind.
    package var lastFetchFailed: Bool
    /// Requests (or a person) wait for it: it goes first.
    package var requestsWait: Bool
    /// A `kid` that nobody knows caused it: such fetches are bounded over all pools.
    package var forUnknownKey: Bool

    package init(lastFetchFailed: Bool = false, requestsWait: Bool = false, forUnknownKey: Bool = false) {
        self.lastFetchFailed = lastFetchFailed
        self.requestsWait = requestsWait
        self.forUnknownKey = forUnknownKey
    }

    /// Every kind of fetch, in the order in which they have their turn.
    static let lanes: [FetchPriority] = {
        var lanes: [FetchPriority] = []
        for requestsWait in [true, false] {
            for lastFetchFailed in [false, true] {
                for forUnknownKey in [false, true] {
                    lanes.append(
                        FetchPriority(
                            lastFetchFailed: lastFetchFailed, requestsWait: requestsWait,
                            forUnknownKey: forUnknownKey))
                }
            }
        }
        return lanes
    }()
}

/// Which of the fetches that wait may start now; a pure value, the same for one endpoint as for a thousand hung ones.
struct FetchQueue: Sendable {
    typealias Ticket = UInt64

    private var lanes: [FetchPriority: Lane] = [:]
    private var queued: [Ticket: FetchPriority] = [:]
    private var running: [Ticket: FetchPriority] = [:]
    private var runningAfterFailure = 0
    private var unknownKeyBucket = TokenBucket(
        capacity: Limits.unknownKeyFetchesPerSecond,
        interval: .seconds(1) / Limits.unknownKeyFetchesPerSecond)

    var runningCount: Int { running.count }
    var queuedCount: Int { queued.count }

    /// Puts a fetch at the end of its lane; tickets are never used twice.
    mutating func add(_ ticket: Ticket, _ priority: FetchPriority) {
        queued[ticket] = priority
        lanes[priority, default: Lane()].append(ticket)
    }

    /// Moves a fetch that still waits to the end of another lane; does nothing to one under way.
    mutating func update(_ ticket: Ticket, _ priority: FetchPriority) {
        guard let old = queued[ticket], old != priority else { return }
        add(ticket, priority)
    }

    /// Takes a fetch out, waiting or under way.
    mutating func remove(_ ticket: Ticket) {
        queued[ticket] = nil
        if let priority = running.removeValue(forKey: ticket), priority.lastFetchFailed {
            runningAfterFailure -= 1
        }
    }

    /// The next fetch to start, counted as under way from here on; nil where none may start now.
    mutating func next(at now: ContinuousClock.Instant) -> Ticket? {
        guard running.count < Limits.transfersAtOnce else { return nil }
        for priority in FetchPriority.lanes {
            if priority.lastFetchFailed, runningAfterFailure >= Limits.transfersAtOnceAfterFailure {
                continue
            }
            guard let ticket = first(in: priority) else { continue }
            if priority.forUnknownKey, !unknownKeyBucket.take(at: now) { continue }
            lanes[priority]?.dropFirst()
            queued[ticket] = nil
            running[ticket] = priority
            if priority.lastFetchFailed { runningAfterFailure += 1 }
            return ticket
        }
        return nil
    }

    /// When a fetch may start that only the bound on unknown `kid`s holds back; nil where there is none.
    mutating func nextTurn(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let isHeld = FetchPriority.lanes.contains { $0.forUnknownKey && first(in: $0) != nil }
        return isHeld ? unknownKeyBucket.nextToken(at: now) : nil
    }

    private mutating func first(in priority: FetchPriority) -> Ticket? {
        guard var lane = lanes[priority] else { return nil }
        let ticket = lane.first { queued[$0] == priority }
        lanes[priority] = lane.isEmpty ? nil : lane
        return ticket
    }
}

/// A line of tickets; those that left it are skipped when their turn comes.
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
        if head > 1_024, head * 2 > tickets.count {
            tickets.removeFirst(head)
            head = 0
        }
    }
}
