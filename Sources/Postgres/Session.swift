import CLibPQ

/// An open connection as its thread sees it. Nothing here leaves that thread.
///
/// A class, because libpq calls back into it with notices.
final class Session {
    private let connection: OpaquePointer
    private let mailbox: ConnectionMailbox
    private let cleaner: MessageCleaner
    private var notices: [PostgresNotice] = []
    /// When the server was told to stop the transaction under way by itself, in milliseconds.
    private var statementTimeout: Int64?
    /// Why the connection is no longer usable.
    private(set) var end: PostgresError?

    init(connection: OpaquePointer, mailbox: ConnectionMailbox, cleaner: MessageCleaner) {
        self.connection = connection
        self.mailbox = mailbox
        self.cleaner = cleaner
        PQsetNoticeReceiver(
            connection,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<Session>.fromOpaque(context).takeUnretainedValue().note(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    var opened: ConnectionMailbox.Opened {
        ConnectionMailbox.Opened(
            serverVersion: Int(PQserverVersion(connection)), backendPID: Int64(PQbackendPID(connection)))
    }

    /// Closes the connection; the session must not be used afterwards.
    func finish() {
        PQfinish(connection)
    }

    /// Sleeps until a command, a notification or the end of the connection comes.
    func watch() throws(PostgresError) {
        let event = SocketWait.wait(
            socket: PQsocket(connection), reading: true, writing: false, wakeReader: mailbox.wakeReader,
            until: nil)
        guard case .ready = event else { return }
        guard PQconsumeInput(connection) == 1 else { throw lost() }
        // A parting word, such as "terminating connection due to administrator command", arrives as a result.
        if PQisBusy(connection) == 0, let result = PQgetResult(connection) {
            defer { PQclear(result) }
            if PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_PRIMARY)) != nil {
                throw error(of: result, isParting: true)
            }
        }
        announce()
        guard PQstatus(connection) == CONNECTION_OK else { throw lost() }
    }

    /// Runs one command; afterwards the connection is idle and outside a transaction, or `end` says why not.
    func run(_ command: ConnectionMailbox.Command) -> Pending<ConnectionMailbox.Answer>.Outcome {
        notices = []
        let started = ContinuousClock.now
        do throws(PostgresError) {
            var answer = ConnectionMailbox.Answer()
            statementTimeout = nil
            switch command.work {
            case .transaction(let mode, let steps):
                try begin(mode, command)
                for step in steps { answer.rows.append(try run(step, command)) }
                _ = try run(PostgresStep(PostgresStatement("COMMIT")), command)
            case .script(let script):
                guard PQsendQuery(connection, script) == 1 else { throw broken() }
                _ = try receive(command)
            }
            guard PQtransactionStatus(connection) == PQTRANS_IDLE else {
                throw .misuse("a database command left a transaction open; it was rolled back")
            }
            answer.notices = notices
            return .success(answer)
        } catch {
            rollBack(command)
            // The server's own timeout, unless somebody cancelled the query by hand.
            if case .refused(let refusal) = error, refusal.sqlState == "57014",
                let milliseconds = statementTimeout,
                ContinuousClock.now - started >= .milliseconds(milliseconds)
            {
                return .failure(.timedOut(command.limit))
            }
            return .failure(error)
        }
    }

    /// What the server gets of a deadline, so that it stops by itself before the connection would be given up.
    private static func serverMilliseconds(_ limit: Duration) -> Int64 {
        let milliseconds = limit.wholeMilliseconds
        return max(1, milliseconds - max(milliseconds / 10, min(250, milliseconds / 2)))
    }

    private func begin(
        _ mode: PostgresTransactionMode, _ command: ConnectionMailbox.Command
    ) throws(PostgresError) {
        // A command that has waited for its turn has less left.
        let left = ContinuousClock.now.duration(to: command.deadline)
        let milliseconds = Self.serverMilliseconds(left < command.limit * 0.95 ? left : command.limit)
        let text = mode.begin(serverVersion: Int(PQserverVersion(connection)), stoppingAfter: milliseconds)
        guard PQsendQuery(connection, text) == 1 else { throw broken() }
        _ = try receive(command)
        statementTimeout = milliseconds
    }

    private func rollBack(_ command: ConnectionMailbox.Command) {
        guard end == nil, PQtransactionStatus(connection) != PQTRANS_IDLE else { return }
        do throws(PostgresError) {
            _ = try run(PostgresStep(PostgresStatement("ROLLBACK")), command)
        } catch {
            end = end ?? .connectionLost("a failed transaction could not be rolled back")
        }
    }

    private func run(
        _ step: PostgresStep, _ command: ConnectionMailbox.Command
    ) throws(PostgresError) -> PostgresRows {
        let statement = step.statement
        let values = CStrings(statement.parameters.map(\.text))
        let isSent = values.withPointers { values in
            PQsendQueryParams(
                connection, statement.sql, Int32(statement.parameters.count), nil, values, nil, nil, 0)
        }
        guard isSent == 1, step.eachRow == nil || PQsetSingleRowMode(connection) == 1 else { throw broken() }
        guard let result = try receive(command, eachRow: step.eachRow) else {
            throw .misuse("the database gave no result")
        }
        return result
    }

    /// Reads until the server is done and returns the last result; throws the first error.
    private func receive(
        _ command: ConnectionMailbox.Command, eachRow: ((PostgresRows) -> Void)? = nil
    ) throws(PostgresError) -> PostgresRows? {
        var rows: PostgresRows?
        var failure: PostgresError?
        while true {
            try awaitResult(command)
            guard let result = PQgetResult(connection) else { break }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                rows = PostgresRows(owning: result)
            case PGRES_SINGLE_TUPLE:
                eachRow?(PostgresRows(owning: result))
            case PGRES_FATAL_ERROR:
                failure = failure ?? error(of: result)
                PQclear(result)
            default:
                // COPY would wait for data that nobody sends.
                PQclear(result)
                throw giveUp(.misuse("COPY cannot be used here"))
            }
        }
        announce()
        if let failure {
            if failure.isEnd { throw giveUp(failure) }
            throw failure
        }
        guard PQstatus(connection) == CONNECTION_OK else { throw broken() }
        return rows
    }

    /// Sends what is left to send and reads until libpq has a whole result, or the deadline passes.
    private func awaitResult(_ command: ConnectionMailbox.Command) throws(PostgresError) {
        while true {
            let unsent = PQflush(connection)
            guard unsent >= 0 else { throw broken() }
            if unsent == 0, PQisBusy(connection) == 0 { return }
            let waiting = mailbox.earliestDeadline
            let event = SocketWait.wait(
                socket: PQsocket(connection), reading: true, writing: unsent == 1,
                wakeReader: mailbox.wakeReader,
                until: waiting.map { min($0, command.deadline) } ?? command.deadline)
            if mailbox.isClosed { throw giveUp(.closed) }
            let now = ContinuousClock.now
            mailbox.expire(at: now)
            guard now < command.deadline else {
                end = .connectionLost("the server did not answer within \(command.limit)")
                throw .timedOut(command.limit)
            }
            if case .ready = event {
                guard PQconsumeInput(connection) == 1 else { throw broken() }
                // The server tells all that was announced, up to gigabytes, before it hears the next command.
                announce()
            }
        }
    }

    private func announce() {
        while let notification = PQnotifies(connection) {
            defer { PQfreemem(notification) }
            mailbox.announce.yield(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)))
        }
    }

    private func note(_ result: OpaquePointer) {
        guard notices.count < Limits.noticesKept,
            let severity = PQresultErrorField(result, Int32(POOLGATE_DIAG_SEVERITY)),
            let message = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_PRIMARY))
        else { return }
        notices.append(PostgresNotice(severity: String(cString: severity), message: cleaner.clean(message)))
    }

    /// The server's error report; one that ends the session, or that libpq made up itself, is a lost connection.
    private func error(of result: OpaquePointer, isParting: Bool = false) -> PostgresError {
        guard let state = PQresultErrorField(result, Int32(POOLGATE_DIAG_SQLSTATE)),
            let message = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_PRIMARY))
        else { return .connectionLost(cleaner.clean(PQresultErrorMessage(result))) }
        let severity = PQresultErrorField(result, Int32(POOLGATE_DIAG_SEVERITY)).map { String(cString: $0) }
        if isParting || severity == "FATAL" || severity == "PANIC" {
            // idle_session_timeout.
            if String(cString: state) == "57P05" { return .idledOut(cleaner.clean(message)) }
            return .connectionLost(cleaner.clean(message))
        }
        let hint = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_HINT))
        let origin = PQresultErrorField(result, Int32(POOLGATE_DIAG_SOURCE_FUNCTION))
        return .refused(
            PostgresRefusal(
                sqlState: String(cString: state), message: cleaner.clean(message),
                hint: hint.map { cleaner.clean($0) }, origin: origin.map { cleaner.clean($0) }))
    }

    private func lost() -> PostgresError { .connectionLost(cleaner.clean(PQerrorMessage(connection))) }

    private func broken() -> PostgresError { giveUp(lost()) }

    private func giveUp(_ error: PostgresError) -> PostgresError {
        end = end ?? error
        return error
    }
}
