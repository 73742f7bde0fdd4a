/// What the directory's connection does next; a pure value, time is passed in.
struct ReadSchedule: Sendable {
    enum Step: Sendable, Equatable {
        /// Read every row.
        case readAll
        /// Read what changed since the last read.
        case readChanges
        /// Ask whether the server still answers.
        case ping
        /// The echo did not come: say that LISTEN is swallowed, then go on.
        case missEcho
        /// Nothing before this time, unless something is announced.
        case wait(until: ContinuousClock.Instant)
    }

    private let began: ContinuousClock.Instant
    private var wantsAll = true
    private var wantsChanges = false
    private var lastRead: ContinuousClock.Instant?
    private var lastFullRead: ContinuousClock.Instant?
    private var nextPoll: ContinuousClock.Instant
    private var nextFullRead: ContinuousClock.Instant
    private var nextPing: ContinuousClock.Instant
    private var echoDeadline: ContinuousClock.Instant?
    private var confirmation: ContinuousClock.Instant?
    /// Whether announcements arrive; nil while that is not known.
    private(set) var isListening: Bool?

    /// A new connection: everything is read first.
    init(at now: ContinuousClock.Instant) {
        began = now
        nextPoll = now + Limits.pollInterval
        nextFullRead = now + Limits.fullReadInterval
        nextPing = now + Limits.pingInterval
    }

    /// Something was announced.
    mutating func notified() {
        wantsChanges = true
    }

    /// What changed cannot be told apart any more (TRUNCATE).
    mutating func fullReadWanted() {
        wantsAll = true
    }

    /// The table seems to have become empty: it is read again before that is believed.
    mutating func emptinessSuspected(at now: ContinuousClock.Instant) {
        confirmation = now + Limits.emptinessConfirmation
    }

    /// The gateway announced something to itself.
    mutating func echoSent(at now: ContinuousClock.Instant) {
        guard isListening == nil else { return }
        echoDeadline = now + Limits.echoTime
    }

    /// The gateway heard itself. Says whether that is news.
    mutating func echoHeard(at now: ContinuousClock.Instant) -> Bool {
        echoDeadline = nil
        guard isListening != true else { return false }
        isListening = true
        return true
    }

    /// A read ended; `jitter` is a random number in 0..<1.
    mutating func read(all: Bool, at now: ContinuousClock.Instant, jitter: Double) {
        lastRead = now
        if all {
            lastFullRead = now
            confirmation = nil
            nextFullRead = now + Limits.fullReadInterval * (0.9 + 0.2 * jitter)
        }
        nextPoll =
            now + (isListening == false ? Limits.deafPollInterval : Limits.pollInterval)
            * (0.9 + 0.2 * jitter)
        nextPing = now + Limits.pingInterval
    }

    mutating func pinged(at now: ContinuousClock.Instant) {
        nextPing = now + Limits.pingInterval
    }

    /// What to do at `now`; what it names counts as begun, so that what is announced meanwhile leads to another read.
    mutating func next(at now: ContinuousClock.Instant) -> Step {
        if let echoDeadline, echoDeadline <= now {
            self.echoDeadline = nil
            isListening = false
            nextPoll = min(nextPoll, now + Limits.deafPollInterval)
            return .missEcho
        }
        let fullDue = dueTime(of: wantsAll, after: lastFullRead, pause: Limits.fullReadPause)
        let changesDue = dueTime(of: wantsChanges, after: lastRead, pause: Limits.readPause)
        if confirmation.map({ $0 <= now }) ?? false || fullDue.map({ $0 <= now }) ?? false
            || nextFullRead <= now
        {
            wantsAll = false
            wantsChanges = false
            return .readAll
        }
        // What changed is read along with everything, which is wanted already.
        let isSuspended = wantsAll || confirmation != nil
        if !isSuspended, changesDue.map({ $0 <= now }) ?? false || nextPoll <= now {
            wantsChanges = false
            return .readChanges
        }
        if nextPing <= now { return .ping }
        let times = [
            echoDeadline, fullDue, confirmation, nextFullRead, nextPing, isSuspended ? nil : changesDue,
            isSuspended ? nil : nextPoll,
        ]
        return .wait(until: times.compactMap { $0 }.min() ?? nextPing)
    }

    private func dueTime(
        of isWanted: Bool, after last: ContinuousClock.Instant?, pause: Duration
    ) -> ContinuousClock.Instant? {
        guard isWanted else { return nil }
        return last.map { $0 + pause } ?? began
    }
}
