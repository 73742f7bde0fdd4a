/// What a transaction sees and may do (PostgreSQL documentation, "Transaction Isolation").
package enum PostgresTransactionMode: Hashable, Sendable {
    /// REPEATABLE READ, READ ONLY: every statement of the transaction sees the database as it was at the first one.
    case repeatableRead
    /// READ COMMITTED, READ WRITE: all of the transaction happens, or nothing.
    case readWrite
    /// One statement and nothing around it: for questions about the server itself, whose answers no setting changes.
    /// Nobody tells the server to stop it.
    case alone

    /// The commands that begin the transaction on a server of version `serverVersion` (such as 150004); nil where there are
    /// none. They tell the server to stop by itself each statement that takes longer than `milliseconds`.
    ///
    /// Every setting holds for the transaction alone, because behind a pooler the next transaction on the same server
    /// connection is somebody else's. None is left to what a role or a database sets. With `row_security` off, rows that a
    /// policy hides are an error, so that part of a table is never taken for the whole. `jit` is off because compiling costs
    /// more than any query here. The server also ends a transaction whose gateway has sent no command for `idle` milliseconds.
    func begin(serverVersion: Int, stoppingAfter milliseconds: Int64, idleAtMost idle: Int64) -> String? {
        let isolation: String
        switch self {
        case .repeatableRead: isolation = "REPEATABLE READ READ ONLY"
        case .readWrite: isolation = "READ COMMITTED READ WRITE"
        case .alone: return nil
        }
        var settings = [
            ("statement_timeout", String(milliseconds)),
            ("idle_in_transaction_session_timeout", String(idle)),
            ("lock_timeout", "0"), ("row_security", "off"), ("jit", "off"),
        ]
        if serverVersion >= 170_000 { settings.append(("transaction_timeout", "0")) }
        // In one statement, since every statement of every gateway costs the server something.
        let list = settings.map { "pg_catalog.set_config('\($0.0)', '\($0.1)', true)" }
        return "BEGIN ISOLATION LEVEL \(isolation); SELECT \(list.joined(separator: ", "))"
    }
}
