import CLibPQ
import Glibc
import Synchronization

/// What tasks have asked of a connection's thread, kept under a lock until the thread takes it, and the pipe that wakes the
/// thread.
///
/// A class, because the connection and its thread share it.
final class ConnectionMailbox: Sendable {
    /// What a caller wants to have done.
    enum Work: Sendable {
        case transaction(PostgresTransactionMode, [PostgresStep])
        case script(String)
        /// Begins a transaction that stays open, and that the server ends where nothing comes for this long.
        case begin(PostgresTransactionMode, idle: Duration)
        /// Runs a statement of the open transaction.
        case inside(PostgresStatement)
        /// Ends the open transaction.
        case end(commits: Bool)

        /// Whether it is a part of a transaction that an earlier command has begun.
        var needsOpenTransaction: Bool {
            switch self {
            case .transaction, .script, .begin: false
            case .inside, .end: true
            }
        }

        /// Whether it is a statement of the open transaction, which is still open after it.
        var isInside: Bool {
            switch self {
            case .inside: true
            case .transaction, .script, .begin, .end: false
            }
        }

        /// Throws `misuse` for what libpq cannot send: NUL bytes, and too many parameters.
        func check() throws(PostgresError) {
            switch self {
            case .script(let script): try Self.check(script)
            case .transaction(_, let steps): for step in steps { try Self.check(step.statement) }
            case .inside(let statement): try Self.check(statement)
            case .begin, .end: break
            }
        }

        private static func check(_ statement: PostgresStatement) throws(PostgresError) {
            try check(statement.sql)
            guard statement.parameters.count <= Limits.parameters else {
                throw .misuse(
                    "a query has \(statement.parameters.count) parameters; \(Limits.parameters) is the most")
            }
            for case let text? in statement.parameters.map(\.text) { try check(text) }
        }

        private static func check(_ text: String) throws(PostgresError) {
            guard !text.utf8.contains(0) else { throw .misuse("a query contains a NUL byte") }
        }
    }

    /// What came of a command.
    struct CommandResult: Sendable {
        /// The rows of each statement.
        var rows: [PostgresRows] = []
        /// What the server remarked.
        var notices: [PostgresNotice] = []
    }

    /// What is known of a connection that was made.
    struct Opened: Sendable {
        /// A number such as 150004.
        let serverVersion: Int
        /// The number of the server process, as it was told when the connection was made.
        let backendPID: Int64
    }

    /// Work that a caller waits for.
    struct Command: Sendable {
        let work: Work
        /// How long it may take, the wait for its turn included.
        let limit: Duration
        let deadline: ContinuousClock.Instant
        let pending = Pending<CommandResult>()

        init(work: Work, limit: Duration) {
            self.work = work
            self.limit = limit
            self.deadline = .now + limit
        }
    }

    private struct State {
        var waiting: [Command] = []
        /// Whether the caller has closed the connection.
        var isClosed = false
        /// Why the thread ended; nothing is taken any more after that.
        var end: PostgresError?
        /// The end of the pipe that others write to; -1 once it is closed.
        var wakeWriter: Int32
    }

    private let state: Mutex<State>
    /// The end of the pipe that the thread waits on, and closes in `end`.
    let wakeReader: Int32
    /// What arrives on the channels that the connection listens to.
    let notifications: AsyncStream<PostgresNotification>
    /// Where the thread puts notifications.
    let announce: AsyncStream<PostgresNotification>.Continuation

    init() throws(PostgresError) {
        var ends: [Int32] = [-1, -1]
        guard poolgate_wake_pipe(&ends) == 0 else {
            throw .unreachable("no file descriptor is left for a connection")
        }
        wakeReader = ends[0]
        state = Mutex(State(wakeWriter: ends[1]))
        (notifications, announce) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(Limits.notificationsKept))
    }

    /// Leaves a command for the thread; it fails at once where the connection is closed or too many wait.
    func submit(_ command: Command) {
        let refusal: PostgresError? = state.withLock { state in
            if let end = state.end { return end }
            if state.isClosed { return .closed }
            guard state.waiting.count < Limits.commandsWaiting else {
                return .misuse("\(Limits.commandsWaiting) database calls wait for one connection")
            }
            state.waiting.append(command)
            Self.wake(state)
            return nil
        }
        if let refusal { command.pending.finish(.failure(refusal)) }
    }

    /// Asks the thread to end.
    func close() {
        state.withLock { state in
            state.isClosed = true
            Self.wake(state)
        }
    }

    /// Whether the caller has closed the connection.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Takes the next command whose caller still waits.
    func next() -> Command? {
        state.withLock { state in
            while !state.waiting.isEmpty {
                let command = state.waiting.removeFirst()
                if !command.pending.isFinished { return command }
            }
            return nil
        }
    }

    /// The earliest deadline among the commands that wait for their turn.
    var earliestDeadline: ContinuousClock.Instant? {
        state.withLock { $0.waiting.map(\.deadline).min() }
    }

    /// Fails the waiting commands whose deadlines have passed.
    func expire(at now: ContinuousClock.Instant) {
        let late: [Command] = state.withLock { state in
            let late = state.waiting.filter { $0.deadline <= now }
            if !late.isEmpty { state.waiting.removeAll { $0.deadline <= now } }
            return late
        }
        for command in late { command.pending.finish(.failure(.timedOut(command.limit))) }
    }

    /// Called by the thread as the last thing it does: fails the commands that wait, and all that come later.
    func end(_ reason: PostgresError) {
        let left: [Command] = state.withLock { state in
            let left = state.waiting
            state.waiting = []
            state.end = state.isClosed ? .closed : reason
            Glibc.close(state.wakeWriter)
            state.wakeWriter = -1
            return left
        }
        Glibc.close(wakeReader)
        announce.finish()
        let reason: PostgresError = isClosed ? .closed : reason
        for command in left { command.pending.finish(.failure(reason)) }
    }

    private static func wake(_ state: State) {
        guard state.wakeWriter >= 0 else { return }
        // Where the pipe is full, the write fails, and the bytes in it wake the thread all the same.
        var byte: UInt8 = 1
        _ = write(state.wakeWriter, &byte, 1)
    }
}
