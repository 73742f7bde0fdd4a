import Postgres

/// Whether LISTEN works on a connection. It does on a direct one, and behind a connection pooler that keeps one server
/// connection for each client (PgBouncer's session pooling). It does not behind one that takes another server connection
/// for each transaction: the LISTEN would stay behind on a server connection that other clients use.
///
/// So this is found out before anything is listened to. A direct connection is answered by the server process that was
/// named when the connection was made; a pooler names one that does not exist. Which kind of pooler it is, a second
/// connection shows: where one of the two is ever answered by the process that answered the other, or by two processes
/// one after the other, server connections are shared.
enum PoolerDetection {
    /// What stands between this gateway and the server.
    enum Finding {
        /// Nothing.
        case noPooler
        /// A pooler that keeps a server connection for each client. `other` is a second connection, by which the gateway
        /// can announce something to the first.
        case sessionPooler(other: PostgresConnection)
        /// A pooler that shares server connections out, or one that gives no second connection to find out by.
        case transactionPooler
    }

    /// Finds out what stands before the server at `url`, to which `connection` was made.
    static func detect(
        _ connection: PostgresConnection, _ url: PostgresURL
    ) async throws(PostgresError) -> Finding {
        let mine = try await backend(connection, within: Postgres.Limits.queryDeadline)
        if mine == connection.backendPID { return .noPooler }
        guard
            let other = try? await PostgresConnection.connect(to: url, within: Limits.poolerProbeTime)
        else { return .transactionPooler }
        var isKept = false
        defer { if !isKept { other.close() } }
        var others: Int64?
        for _ in 0..<Limits.poolerProbes {
            guard let found = try? await backend(other, within: Limits.poolerProbeTime) else {
                return .transactionPooler
            }
            if found == mine || others.map({ $0 != found }) ?? false { return .transactionPooler }
            others = found
            if try await backend(connection, within: Postgres.Limits.queryDeadline) != mine {
                return .transactionPooler
            }
        }
        isKept = true
        return .sessionPooler(other: other)
    }

    /// The number of the server process that answers.
    private static func backend(
        _ connection: PostgresConnection, within limit: Duration
    ) async throws(PostgresError) -> Int64? {
        try await connection.query(DirectoryQueries.backend, within: limit).integer(0, 0)
    }
}
