/// A connection to Postgres. Calls may come from any task; they are served one after the other.
///
/// libpq blocks, so it lives on a thread of its own, and this is what others hold of it. A class, because it stands
/// for that connection: dropping the last reference closes it. A connection never comes back once it broke: every
/// later call throws the same error, and `notifications` ends. Make a new one.
package final class PostgresConnection: Sendable {
    private let mailbox: ConnectionMailbox
    /// What the server announces on channels that `listen` named; ends with the connection. For one reader.
    package let notifications: AsyncStream<PostgresNotification>
    /// The server's version as a number, such as 150004.
    package let serverVersion: Int
    /// The process that answered when the connection was made, as `pg_backend_pid()` has it. A pooler tells a number of
    /// its own here, which no server process has.
    package let backendPID: Int64

    private init(_ mailbox: ConnectionMailbox, _ opened: ConnectionMailbox.Opened) {
        self.mailbox = mailbox
        self.notifications = mailbox.notifications
        self.serverVersion = opened.serverVersion
        self.backendPID = opened.backendPID
    }

    deinit { mailbox.close() }

    /// Connects to the first host of the URL that accepts; throws `unreachable`, `timedOut` or `cancelled`.
    ///
    /// Each host gets the URL's `connect_timeout`, all of them together `deadline`.
    package static func connect(
        to url: PostgresURL, within deadline: Duration = Limits.connectDeadline
    ) async throws(PostgresError) -> PostgresConnection {
        let mailbox = try ConnectionMailbox()
        let opening = Pending<ConnectionMailbox.Opened>()
        ConnectionThread.start(mailbox: mailbox, url: url, deadline: deadline, opening: opening)
        switch await opening.value() {
        case .success(let opened): return PostgresConnection(mailbox, opened)
        case .failure(let error):
            mailbox.close()
            throw error
        }
    }

    /// Runs one command with its parameters in a transaction of its own and returns its rows.
    ///
    /// The server is told to stop a tenth before the deadline, which leaves the connection usable; where it does not even
    /// answer that, the connection is given up at the deadline. Both throw `timedOut`.
    package func query(
        _ sql: String, _ parameters: [PostgresValue] = [], within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> PostgresRows {
        let rows = try await transaction(.readWrite, [PostgresStatement(sql, parameters)], within: deadline)
        guard let rows = rows.last else { throw .misuse("the database gave no result") }
        return rows
    }

    /// Runs statements in one transaction and returns the rows of each; a failure takes all of it back.
    ///
    /// The deadline covers all of them together.
    package func transaction(
        _ mode: PostgresTransactionMode, _ statements: [PostgresStatement],
        within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> [PostgresRows] {
        try await run(.transaction(mode, statements.map(PostgresStep.init)), deadline).rows
    }

    /// The same, with steps whose rows are taken one at a time.
    package func transaction(
        _ mode: PostgresTransactionMode, steps: [PostgresStep],
        within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> [PostgresRows] {
        try await run(.transaction(mode, steps), deadline).rows
    }

    /// Runs a script of several commands, with BEGIN and COMMIT in it if it likes, and returns what the server remarked.
    ///
    /// A script that fails, or ends inside a transaction, is rolled back. Only the script itself can tell the server to
    /// stop by itself; at the deadline the connection is given up.
    @discardableResult
    package func execute(
        script: String, within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> [PostgresNotice] {
        try await run(.script(script), deadline).notices
    }

    /// Asks the server for the notifications of a channel; they arrive in `notifications`.
    package func listen(to channel: String) async throws(PostgresError) {
        let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(
            separator: "\"\"")
        _ = try await query("LISTEN \"\(quoted)\"")
    }

    /// Closes the connection; calls under way throw `closed`.
    package func close() {
        mailbox.close()
    }

    private func run(
        _ work: ConnectionMailbox.Work, _ deadline: Duration
    ) async throws(PostgresError) -> ConnectionMailbox.Answer {
        try work.check()
        let command = ConnectionMailbox.Command(work: work, limit: deadline)
        mailbox.submit(command)
        switch await command.pending.value() {
        case .success(let answer): return answer
        case .failure(let error): throw error
        }
    }
}

/// Something that NOTIFY announced.
package struct PostgresNotification: Hashable, Sendable {
    package let channel: String
    /// At most 8,000 bytes; any database user may have written it.
    package let payload: String
}
