/// What the directory does next on its connection. A pure value: events go in with the time they happened at.
struct ReadSchedule: Sendable {
    /// The next thing to do.
    enum Step: Sendable, Equatable {
        /// Read every row.
        case readAll
        /// Read what changed since the last read.
        case readChanges
        /// Ask whether the server still responds.
        case ping
        /// The gateway's notification to itself did not arrive: report that notifications do not arrive.
        case reportDeafness
        /// Nothing before this time, unless a notification arrives.
        case wait(until: ContinuousClock.Instant)
    }

    private let began: ContinuousClock.Instant
    /// Whether everything is to be read before it is due.
    private var wantsAll = true
    /// Whether changes are to be read before they are due.
    private var wantsChanges = false
    private var lastRead: ContinuousClock.Instant?
    private var lastFullRead: ContinuousClock.Instant?
    /// When changes are read though none were notified.
    private var nextPoll: ContinuousClock.Instant
    private var nextFullRead: ContinuousClock.Instant
    private var nextPing: ContinuousClock.Instant
    /// Until when the gateway's notification to itself must arrive.
    private var echoDeadline: ContinuousClock.Instant?
    /// When everything is read again to confirm that the table is empty.
    private var confirmation: ContinuousClock.Instant?
    private var pingInterval = Limits.pingInterval
    private var unexplained = UnexplainedWrites()
    /// Whether notifications arrive; nil while that is not known.
    private(set) var isListening: Bool?

    /// A new connection, on which everything is read first.
    init(at now: ContinuousClock.Instant) {
        began = now
        nextPoll = now + Limits.pollInterval
        nextFullRead = now + Limits.fullReadInterval
        nextPing = now + Limits.pingInterval
    }

    /// A notification of a change arrived, or more changes are known to be there.
    mutating func notified() {
        wantsChanges = true
    }

    /// What changed cannot be asked for: it is too much, or the server or the tables are others than before.
    mutating func fullReadWanted() {
        wantsAll = true
    }

    /// The server was found to end sessions that are idle for `limit`; nil where it does not.
    mutating func idleLimitFound(_ limit: Duration?) {
        pingInterval = min(
            Limits.pingInterval, max(Limits.shortestPing, limit.map { $0 / 3 } ?? Limits.pingInterval))
    }

    /// The server was found to have counted `writes` writes to the tables, ever. Where reads explain not all of them,
    /// everything is read.
    mutating func writesCounted(_ writes: Int64?, at now: ContinuousClock.Instant) {
        if unexplained.isReadWanted(after: writes, at: now) { wantsAll = true }
    }

    /// A read brought changes.
    mutating func changesFound(at now: ContinuousClock.Instant) {
        unexplained.explained(at: now)
    }

    /// The table was found empty, and was not before: it is read again before that is believed.
    mutating func emptinessSuspected(at now: ContinuousClock.Instant) {
        confirmation = now + Limits.emptinessConfirmation
    }

    /// The gateway sent a notification to itself.
    mutating func echoSent(at now: ContinuousClock.Instant) {
        guard isListening == nil else { return }
        echoDeadline = now + Limits.echoTime
    }

    /// Notifications turned out not to arrive, or could not: changes are asked for instead.
    mutating func deafnessFound(at now: ContinuousClock.Instant) {
        echoDeadline = nil
        isListening = false
        nextPoll = min(nextPoll, now + Limits.pollIntervalWithoutNotifications)
    }

    /// The gateway's notification to itself arrived; false where it was known already that notifications do.
    mutating func echoHeard(at now: ContinuousClock.Instant) -> Bool {
        echoDeadline = nil
        guard isListening != true else { return false }
        isListening = true
        return true
    }

    /// A read has ended, of everything or of what changed. `jitter` is a random number in 0..<1.
    mutating func readEnded(all: Bool, at now: ContinuousClock.Instant, jitter: Double) {
        lastRead = now
        if all {
            lastFullRead = now
            confirmation = nil
            nextFullRead = now + Limits.fullReadInterval * (0.9 + 0.2 * jitter)
        }
        nextPoll =
            now + (isListening == false ? Limits.pollIntervalWithoutNotifications : Limits.pollInterval)
            * (0.9 + 0.2 * jitter)
        nextPing = now + pingInterval
    }

    /// The server responded to a ping.
    mutating func pinged(at now: ContinuousClock.Instant) {
        nextPing = now + pingInterval
    }

    /// What to do at `now`. A read counts as begun from here on, so that a notification which arrives meanwhile leads to
    /// another one.
    mutating func next(at now: ContinuousClock.Instant) -> Step {
        if let echoDeadline, echoDeadline <= now {
            deafnessFound(at: now)
            return .reportDeafness
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
        // A read of everything, which is wanted already, brings the changes, too.
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
