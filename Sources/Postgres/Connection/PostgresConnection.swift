/// A connection to Postgres. Calls may come from any task, and run one after the other.
///
/// libpq blocks, so it runs on a thread of the connection's own, and tasks wait for results. After a connection has broken,
/// every call throws the same error and `notifications` ends; a new connection has to be made.
///
/// A class, because it stands for one connection: dropping the last reference closes it.
package final class PostgresConnection: Sendable {
    private let mailbox: ConnectionMailbox
    /// What arrives on the channels that `listen` named. Ends with the connection. Only one task may read it.
    package let notifications: AsyncStream<PostgresNotification>
    /// The server's version as a number, such as 150004.
    package let serverVersion: Int
    /// The number of the server process, as it was told when the connection was made. Without a pooler in between it is what
    /// `pg_backend_pid()` returns; a pooler tells a number of its own.
    package let backendPID: Int64

    private init(_ mailbox: ConnectionMailbox, _ opened: ConnectionMailbox.Opened) {
        self.mailbox = mailbox
        self.notifications = mailbox.notifications
        self.serverVersion = opened.serverVersion
        self.backendPID = opened.backendPID
    }

    deinit { mailbox.close() }

    /// Connects to the first host of the URL that accepts. Each host has the URL's `connect_timeout`, and all of them
    /// together have `deadline`. Throws `unreachable`, `timedOut` or `cancelled`.
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

    /// Runs one statement in a transaction of its own and returns its rows. `parameters` are the values of `$1`, `$2`, ….
    ///
    /// The server is told to stop a tenth of the time before the deadline, after which the connection can be used again.
    /// Where the server does not even do that, the connection is given up at the deadline. Either way, `timedOut` is thrown.
    package func query(
        _ sql: String, _ parameters: [PostgresValue] = [], within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> PostgresRows {
        let rows = try await transaction(.readWrite, [PostgresStatement(sql, parameters)], within: deadline)
        guard let rows = rows.last else { throw .misuse("the database gave no result") }
        return rows
    }

    /// Runs statements in one transaction, and returns the rows of each. Where one fails, all are taken back, and its error
    /// is thrown. The deadline is for all of them together.
    package func transaction(
        _ mode: PostgresTransactionMode, _ statements: [PostgresStatement],
        within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> [PostgresRows] {
        try await run(.transaction(mode, statements.map(PostgresStep.init)), deadline).rows
    }

    /// The same with steps, each of which may take its rows one at a time.
    package func transaction(
        _ mode: PostgresTransactionMode, steps: [PostgresStep],
        within deadline: Duration = Limits.queryDeadline
    ) async throws(PostgresError) -> [PostgresRows] {
        try await run(.transaction(mode, steps), deadline).rows
    }

    /// Runs a script of several commands, which may contain BEGIN and COMMIT, and returns what the server remarked.
    ///
    /// A script that fails, or leaves a transaction open, is rolled back. The server is not told of the deadline, unless the
    /// script does that; at the deadline the connection is given up.
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

    /// Has the connection's thread do a piece of work, and waits for what comes of it.
    func run(
        _ work: ConnectionMailbox.Work, _ deadline: Duration
    ) async throws(PostgresError) -> ConnectionMailbox.CommandResult {
        try work.check()
        let command = ConnectionMailbox.Command(work: work, limit: deadline)
        mailbox.submit(command)
        switch await command.pending.value() {
        case .success(let result): return result
        case .failure(let error): throw error
        }
    }
}
