import Postgres

/// The wait for gateways to serve what was written.
enum LiveWait {
    /// What a gateway has read once the write is live on it.
    enum Goal {
        /// The row and the rules of a host.
        case host(String)
        /// What a transaction wrote, by its id.
        case transaction(String)
    }

    /// Waits until every gateway has read what was committed; returns how many gateways that are. Says that it is written and
    /// throws where the time passes first, or no gateway runs.
    static func wait(
        _ goal: Goal, _ time: WaitTime, on connection: PostgresConnection
    ) async throws(PostgresError) -> Int? {
        do throws(PostgresError) {
            return try await live(goal, time, on: connection)
        } catch {
            Output.complaint("it is written, but not known to be live:")
            throw error
        }
    }

    private static func live(
        _ goal: Goal, _ time: WaitTime, on connection: PostgresConnection
    ) async throws(PostgresError) -> Int? {
        switch goal {
        case .host(let host):
            let rows = try await connection.transaction(
                .readWrite, [RowQueries.waitUntilLive(host: host, milliseconds: time.milliseconds)],
                within: .milliseconds(time.milliseconds) + Limits.commandStatement)
            return try rows.first?.integer(0, 0).map { Int($0) }
        case .transaction(let id): return try await wait(for: id, time, on: connection)
        }
    }

    /// Asks again and again until every gateway has read what a transaction wrote.
    private static func wait(
        for transaction: String, _ time: WaitTime, on connection: PostgresConnection
    ) async throws(PostgresError) -> Int {
        let asks = max(1, time.milliseconds / Limits.livenessPauseMilliseconds)
        for _ in 0..<asks {
            let rows = try await connection.transaction(
                .readWrite, [RevocationQueries.liveness(of: transaction)])
            let (all, live) = (try rows.first?.integer(0, 0) ?? 0, try rows.first?.integer(0, 1) ?? 0)
            if all > 0, live == all { return Int(live) }
            guard (try? await Task.sleep(for: .milliseconds(Limits.livenessPauseMilliseconds))) != nil else {
                throw .cancelled
            }
        }
        throw .misuse("not every gateway has read it within \(time): look at poolgate.instances")
    }
}
