/// A transaction that stays open between calls, for work whose next statement depends on what the last one found.
///
/// While it is open, its connection does nothing else: other calls throw `misuse`. A statement that fails leaves the
/// transaction failed, as Postgres has it, until `rollBack`, or until a statement goes back to a savepoint.
package struct PostgresTransaction: Sendable {
    private let connection: PostgresConnection
    private let statementTime: Duration

    /// What a statement brought.
    package struct Result: Sendable {
        /// The rows that it returned.
        package let rows: PostgresRows
        /// What the server remarked meanwhile.
        package let notices: [PostgresNotice]
    }

    /// Begins a transaction. Each of its statements may take `statementTime`, and the server ends the transaction where no
    /// statement comes for `idle`.
    package static func begin(
        on connection: PostgresConnection, _ mode: PostgresTransactionMode,
        statementTime: Duration = Limits.queryDeadline, idle: Duration
    ) async throws(PostgresError) -> PostgresTransaction {
        _ = try await connection.run(.begin(mode, idle: idle), statementTime)
        return PostgresTransaction(connection: connection, statementTime: statementTime)
    }

    /// Runs one statement.
    package func run(_ statement: PostgresStatement) async throws(PostgresError) -> Result {
        let result = try await connection.run(.inside(statement), statementTime)
        guard let rows = result.rows.last else { throw .misuse("the database gave no result") }
        return Result(rows: rows, notices: result.notices)
    }

    /// Commits, and returns what the server remarked at that. Where a statement has failed, or one fails that waited for
    /// the commit, nothing of the transaction happens, and the error is thrown.
    package func commit() async throws(PostgresError) -> [PostgresNotice] {
        try await connection.run(.end(commits: true), statementTime).notices
    }

    /// Takes everything back.
    package func rollBack() async throws(PostgresError) {
        _ = try await connection.run(.end(commits: false), statementTime)
    }
}
