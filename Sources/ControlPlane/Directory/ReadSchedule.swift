/// What the directory's connection does next; a pure value, time is passed in.
struct ReadSchedule: Sendable {
    enum Step: Sendable, Equatable {
        /// Read every row.
        case readAll
        /// Read what changed since the last read.
        case readChanges
        /// Ask whether the server still answers.
        case ping
        /// The echo did not come: say that announcements do not arrive, then go on.
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
    private var pingInterval = Limits.pingInterval
    private var unexplained = UnexplainedWrites()
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

    /// What changed cannot be told apart any more: other tables, another server, or too much.
    mutating func fullReadWanted() {
        wantsAll = true
    }

    /// The server ends sessions that are idle for so long; nil where it does not.
    mutating func idleLimit(_ limit: Duration?) {
        pingInterval = min(
            Limits.pingInterval, max(Limits.shortestPing, limit.map { $0 / 3 } ?? Limits.pingInterval))
    }

    /// The server has counted so many writes of rows, ever. Those that no read found are looked for with everything.
    mutating func counted(_ writes: Int64?, at now: ContinuousClock.Instant) {
        if unexplained.isReadWanted(after: writes, at: now) { wantsAll = true }
    }

    /// A read brought something.
    mutating func foundChanges(at now: ContinuousClock.Instant) {
        unexplained.explained(at: now)
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

    /// Announcements do not arrive, or would not: they are not waited for.
    mutating func cannotListen(at now: ContinuousClock.Instant) {
        echoDeadline = nil
        isListening = false
        nextPoll = min(nextPoll, now + Limits.deafPollInterval)
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
        nextPing = now + pingInterval
    }

    mutating func pinged(at now: ContinuousClock.Instant) {
        nextPing = now + pingInterval
    }

    /// What to do at `now`; what it names counts as begun, so that what is announced meanwhile leads to another read.
    mutating func next(at now: ContinuousClock.Instant) -> Step {
        if let echoDeadline, echoDeadline <= now {
            cannotListen(at: now)
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

/// Tells writes that changes explain from those that nothing explains: rows that a restore, a subscription or somebody
/// who switched the triggers off wrote without a stamp. A hint, as every announcement is; the hourly read finds all.
struct UnexplainedWrites: Sendable {
    /// As far as the count is explained; nil before the first.
    private var known: Int64?
    private var lastFound: ContinuousClock.Instant?
    private var lastRead: ContinuousClock.Instant?
    private var pause = Limits.shortestUnexplained

    /// Something was found, which explains what is counted about now.
    mutating func explained(at now: ContinuousClock.Instant) {
        lastFound = now
        pause = Limits.shortestUnexplained
    }

    /// Whether everything is to be read for this count. Reads that find nothing, as after writes that were rolled back,
    /// lie further and further apart.
    mutating func isReadWanted(after writes: Int64?, at now: ContinuousClock.Instant) -> Bool {
        guard let writes else { return false }
        guard let known, known != writes else {
            self.known = writes
            return false
        }
        if let lastFound, now - lastFound < Limits.explainedTime {
            self.known = writes
            return false
        }
        if let lastRead, now - lastRead < pause { return false }
        self.known = writes
        if lastRead != nil { pause = min(pause * 2, Limits.fullReadInterval) }
        lastRead = now
        return true
    }
}
