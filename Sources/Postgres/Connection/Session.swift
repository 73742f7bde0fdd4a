import CLibPQ

/// An open connection as its thread uses it. Nothing here leaves that thread.
///
/// A class, because libpq calls back into it with notices, by an address that counts as no reference. The address is valid
/// whenever libpq uses it: libpq calls the receiver only from within a call on this connection; every such call is made by
/// a method of this session, during which the caller holds the session; and the last one, `finish`, frees the connection.
/// `ConnectionThread` holds the session from its making until then.
final class Session {
    private let connection: OpaquePointer
    private let mailbox: ConnectionMailbox
    private let cleaner: MessageCleaner
    /// What the server has remarked on the command under way.
    private var notices: [PostgresNotice] = []
    /// After how many milliseconds the server was told to stop a statement of the transaction under way.
    private var statementTimeout: Int64?
    /// Why the connection cannot be used any more; nil while it can.
    private(set) var end: PostgresError?

    /// Takes over a connection that was made, and with it the duty to close it.
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

    /// What is known of the connection since it was made.
    var opened: ConnectionMailbox.Opened {
        ConnectionMailbox.Opened(
            serverVersion: Int(PQserverVersion(connection)), backendPID: Int64(PQbackendPID(connection)))
    }

    /// Closes the connection. Nothing else of the session may be called afterwards.
    func finish() {
        PQfinish(connection)
    }

    /// Sleeps until a command or a notification comes. Throws why the connection ended, where that happens first.
    func watch() throws(PostgresError) {
        let event = SocketWait.wait(
            socket: PQsocket(connection), reading: true, writing: false, wakeReader: mailbox.wakeReader,
            until: nil)
        guard case .ready = event else { return }
        guard PQconsumeInput(connection) == 1 else { throw lost() }
        // Before it closes a connection, the server sends an error, such as "terminating connection due to administrator
        // command", which libpq delivers as a result.
        if PQisBusy(connection) == 0, let result = PQgetResult(connection) {
            defer { PQclear(result) }
            if PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_PRIMARY)) != nil {
                throw error(of: result, endsSession: true)
            }
        }
        announce()
        guard PQstatus(connection) == CONNECTION_OK else { throw lost() }
    }

    /// Runs one command. Afterwards the connection is idle and outside any transaction, or `end` says why not.
    func run(_ command: ConnectionMailbox.Command) -> Pending<ConnectionMailbox.CommandResult>.Outcome {
        notices = []
        let started = ContinuousClock.now
        guard command.work.needsOpenTransaction == (PQtransactionStatus(connection) != PQTRANS_IDLE) else {
            return .failure(
                .misuse(
                    command.work.needsOpenTransaction
                        ? "no transaction is open" : "a transaction is open on this connection"))
        }
        do throws(PostgresError) {
            var result = ConnectionMailbox.CommandResult()
            if !command.work.needsOpenTransaction { statementTimeout = nil }
            switch command.work {
            case .begin(let mode, let idle):
                guard try begin(mode, command, idle: idle) else {
                    throw .misuse("a statement alone leaves no transaction open")
                }
                return .success(result)
            case .inside(let statement):
                result.rows = [try run(PostgresStep(statement), command)]
                result.notices = notices
                return .success(result)
            case .end(let commits):
                guard !commits || PQtransactionStatus(connection) == PQTRANS_INTRANS else {
                    throw .misuse("a statement of the transaction failed, so that it cannot be committed")
                }
                let end = commits ? PostgresStatement("COMMIT") : PostgresStatement("ROLLBACK")
                _ = try run(PostgresStep(end), command)
            case .transaction(let mode, let steps):
                let isBegun = try begin(mode, command)
                for step in steps { result.rows.append(try run(step, command)) }
                if isBegun { _ = try run(PostgresStep(PostgresStatement("COMMIT")), command) }
            case .script(let script):
                guard PQsendQuery(connection, script) == 1 else { throw broken() }
                _ = try receive(command)
            }
            guard PQtransactionStatus(connection) == PQTRANS_IDLE else {
                throw .misuse("a database command left a transaction open; it was rolled back")
            }
            result.notices = notices
            return .success(result)
        } catch {
            // A statement that fails within an open transaction leaves it to its caller, who may go back to a savepoint.
            if !command.work.isInside { rollBack(command) }
            // 57014 is query_canceled: by the server's own timeout where its time is over, else by somebody's hand.
            if case .refused(let refusal) = error, refusal.sqlState == "57014",
                let milliseconds = statementTimeout,
                ContinuousClock.now - started >= .milliseconds(milliseconds)
            {
                return .failure(.timedOut(command.limit))
            }
            return .failure(error)
        }
    }

    /// After how many milliseconds the server is told to stop, so that it does so before the caller's deadline, at which the
    /// connection would be given up.
    private static func serverMilliseconds(_ limit: Duration) -> Int64 {
        let milliseconds = limit.wholeMilliseconds
        return max(
            1,
            milliseconds
                - max(milliseconds / 10, min(Limits.shortestServerMarginMilliseconds, milliseconds / 2)))
    }

    /// Begins a transaction; false where the statements are to stand alone.
    private func begin(
        _ mode: PostgresTransactionMode, _ command: ConnectionMailbox.Command, idle: Duration? = nil
    ) throws(PostgresError) -> Bool {
        // A command that has waited for its turn has less time left.
        let left = ContinuousClock.now.duration(to: command.deadline)
        let milliseconds = Self.serverMilliseconds(left < command.limit * 0.95 ? left : command.limit)
        let text = mode.begin(
            serverVersion: Int(PQserverVersion(connection)), stoppingAfter: milliseconds,
            idleAtMost: idle?.wholeMilliseconds ?? milliseconds)
        guard let text else { return false }
        guard PQsendQuery(connection, text) == 1 else { throw broken() }
        _ = try receive(command)
        statementTimeout = milliseconds
        return true
    }

    /// Takes back what a failed command has left open.
    private func rollBack(_ command: ConnectionMailbox.Command) {
        guard end == nil, PQtransactionStatus(connection) != PQTRANS_IDLE else { return }
        do throws(PostgresError) {
            _ = try run(PostgresStep(PostgresStatement("ROLLBACK")), command)
        } catch {
            end = end ?? .connectionLost("a failed transaction could not be rolled back")
        }
    }

    /// Runs one statement and returns its rows.
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

    /// Reads results until the server is done, and returns the last one; throws the first error.
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
                // After COPY, the server would wait for data that nobody sends.
                PQclear(result)
                throw giveUp(.misuse("COPY cannot be used here"))
            }
        }
        announce()
        if let failure {
            if failure.endsConnection { throw giveUp(failure) }
            throw failure
        }
        guard PQstatus(connection) == CONNECTION_OK else { throw broken() }
        return rows
    }

    /// Sends what is left to send, and reads until libpq has a whole result. Throws where the deadline passes first.
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
                // Notifications are taken from libpq as they come: the server may send gigabytes of them before it reads the
                // next command.
                announce()
            }
        }
    }

    /// Passes on the notifications that have arrived.
    private func announce() {
        while let notification = PQnotifies(connection) {
            defer { PQfreemem(notification) }
            mailbox.announce.yield(
                PostgresNotification(
                    channel: String(cString: notification.pointee.relname),
                    payload: String(cString: notification.pointee.extra)))
        }
    }

    /// Keeps a remark of the server; libpq's notice receiver calls this.
    private func note(_ result: OpaquePointer) {
        guard notices.count < Limits.noticesKept,
            let severity = PQresultErrorField(result, Int32(POOLGATE_DIAG_SEVERITY)),
            let message = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_PRIMARY))
        else { return }
        let hint = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_HINT))
        notices.append(
            PostgresNotice(
                severity: String(cString: severity), message: cleaner.clean(message),
                hint: hint.map { cleaner.clean($0) }))
    }

    /// The error of a result that is an error report. A report that ends the session is a lost connection, and so is one
    /// that libpq made itself, which has no SQLSTATE.
    private func error(of result: OpaquePointer, endsSession: Bool = false) -> PostgresError {
        guard let state = PQresultErrorField(result, Int32(POOLGATE_DIAG_SQLSTATE)),
            let message = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_PRIMARY))
        else { return .connectionLost(cleaner.clean(PQresultErrorMessage(result))) }
        let severity = PQresultErrorField(result, Int32(POOLGATE_DIAG_SEVERITY)).map { String(cString: $0) }
        if endsSession || severity == "FATAL" || severity == "PANIC" {
            // 57P05 is idle_session_timeout.
            if String(cString: state) == "57P05" { return .idledOut(cleaner.clean(message)) }
            return .connectionLost(cleaner.clean(message))
        }
        let detail = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_DETAIL))
        let hint = PQresultErrorField(result, Int32(POOLGATE_DIAG_MESSAGE_HINT))
        let origin = PQresultErrorField(result, Int32(POOLGATE_DIAG_SOURCE_FUNCTION))
        return .refused(
            PostgresRefusal(
                sqlState: String(cString: state), message: cleaner.clean(message),
                detail: detail.map { cleaner.clean($0) }, hint: hint.map { cleaner.clean($0) },
                origin: origin.map { cleaner.clean($0) }))
    }

    /// The connection broke, as libpq tells it.
    private func lost() -> PostgresError { .connectionLost(cleaner.clean(PQerrorMessage(connection))) }

    /// The same, noted as the connection's end.
    private func broken() -> PostgresError { giveUp(lost()) }

    /// Notes `error` as the connection's end, and returns it.
    private func giveUp(_ error: PostgresError) -> PostgresError {
        end = end ?? error
        return error
    }
}
