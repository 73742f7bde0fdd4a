import CLibPQ
import Glibc
import Synchronization

/// What a connection's thread shall do, left by tasks under a lock, and the pipe that wakes it.
///
/// A class, because the connection and its thread share it.
final class ConnectionMailbox: Sendable {
    enum Work: Sendable {
        case transaction(PostgresTransactionMode, [PostgresStep])
        case script(String)

        func check() throws(PostgresError) {
            switch self {
            case .script(let script): try Self.check(script)
            case .transaction(_, let steps):
                for statement in steps.lazy.map(\.statement) {
                    try Self.check(statement.sql)
                    guard statement.parameters.count <= Limits.parameters else {
                        throw .misuse(
                            "a query has \(statement.parameters.count) parameters; \(Limits.parameters) is the most"
                        )
                    }
                    for case let text? in statement.parameters.map(\.text) { try Self.check(text) }
                }
            }
        }

        private static func check(_ text: String) throws(PostgresError) {
            guard !text.utf8.contains(0) else { throw .misuse("a query contains a NUL byte") }
        }
    }

    struct Answer: Sendable {
        var rows: [PostgresRows] = []
        var notices: [PostgresNotice] = []
    }

    struct Opened: Sendable {
        let serverVersion: Int
        /// The server process as it was named when the connection was made.
        let backendPID: Int64
    }

    struct Command: Sendable {
        let work: Work
        let limit: Duration
        let deadline: ContinuousClock.Instant
        let pending = Pending<Answer>()

        init(work: Work, limit: Duration) {
            self.work = work
            self.limit = limit
            self.deadline = .now + limit
        }
    }

    private struct State {
        var waiting: [Command] = []
        var isClosed = false
        /// Why the thread ended; nothing is taken any more.
        var end: PostgresError?
        var wakeWriter: Int32
    }

    private let state: Mutex<State>
    /// The end of the pipe that the thread polls; owned and closed by the thread.
    let wakeReader: Int32
    let notifications: AsyncStream<PostgresNotification>
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

    func close() {
        state.withLock { state in
            state.isClosed = true
            Self.wake(state)
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The next command whose caller still waits.
    func next() -> Command? {
        state.withLock { state in
            while !state.waiting.isEmpty {
                let command = state.waiting.removeFirst()
                if !command.pending.isFinished { return command }
            }
            return nil
        }
    }

    /// The earliest deadline of a command that waits for its turn.
    var earliestDeadline: ContinuousClock.Instant? {
        state.withLock { $0.waiting.map(\.deadline).min() }
    }

    /// Fails the waiting commands whose deadline has passed.
    func expire(at now: ContinuousClock.Instant) {
        let late: [Command] = state.withLock { state in
            let late = state.waiting.filter { $0.deadline <= now }
            if !late.isEmpty { state.waiting.removeAll { $0.deadline <= now } }
            return late
        }
        for command in late { command.pending.finish(.failure(.timedOut(command.limit))) }
    }

    /// Called by the thread as its last act: fails what waits and all that comes later.
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
        // A full pipe wakes as well as one more byte would.
        var byte: UInt8 = 1
        _ = write(state.wakeWriter, &byte, 1)
    }
}
