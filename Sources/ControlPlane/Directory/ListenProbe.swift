import Postgres

/// Whether a session's LISTEN stays with it: behind a pooler in transaction mode it would not, and would be left behind
/// on a server's connection that others use.
///
/// So it is found out before anything is asked for. A direct connection's process is the one that was named when the
/// connection was made; a pooler names none that exists. Whether a pooler keeps a session's server apart from others
/// is tried with a second session: if one of them ever is where the other was, or one moves, it does not.
enum ListenProbe {
    enum Finding {
        /// The server itself.
        case direct
        /// A pooler that keeps sessions apart; the other session says to this one that it can be heard.
        case session(other: PostgresConnection)
        /// A pooler that does not, or that has no second connection to find it out by.
        case shared
    }

    static func find(
        _ connection: PostgresConnection, _ url: PostgresURL
    ) async throws(PostgresError) -> Finding {
        let mine = try await backend(connection, within: Postgres.Limits.queryDeadline)
        if mine == connection.backendPID { return .direct }
        guard
            let other = try? await PostgresConnection.connect(to: url, within: Limits.poolerProbeTime)
        else { return .shared }
        var isKept = false
        defer { if !isKept { other.close() } }
        var others: Int64?
        for _ in 0..<Limits.poolerProbes {
            guard let found = try? await backend(other, within: Limits.poolerProbeTime) else {
                return .shared
            }
            if found == mine || others.map({ $0 != found }) ?? false { return .shared }
            others = found
            if try await backend(connection, within: Postgres.Limits.queryDeadline) != mine { return .shared }
        }
        isKept = true
        return .session(other: other)
    }

    private static func backend(
        _ connection: PostgresConnection, within limit: Duration
    ) async throws(PostgresError) -> Int64? {
        try await connection.query(DirectoryQueries.backend, within: limit).integer(0, 0)
    }
}
