import Gatekeeper
import Postgres

/// What the status page reads from the database, over a connection of its own that is made when somebody looks. It asks one
/// thing at a time, for a bounded time, and what it learned or could not learn holds for a few seconds; so whoever looks at
/// the page cannot harm the reading of tenants.
actor PageDatabase {
    /// A gateway, as it has written itself into the database.
    struct Replica: Sendable {
        let instance: String
        let hostName: String
        let version: String
        /// `serving`, `starting`, `draining` or `silent`.
        let state: String
        let startedAt: Instant
        let seenAt: Instant
        /// Seconds since its directory was known to be what the database holds; nil where it does not tell.
        let directoryAge: Int64?
        let tenants: Int64
        let quarantined: Int64
        let pools: Int64
        let failingPools: Int64
        /// Whether it is this one.
        let isSelf: Bool
    }

    /// A change of a tenant's row or rules.
    struct Change: Sendable {
        let time: Instant
        /// `tenants` or `rules`.
        let table: String
        /// `insert`, `update`, `delete` or `truncate`.
        let operation: String
        /// The role that wrote it, and the person behind it where one is told.
        let author: String
        let program: String
        /// What differs, a line a column.
        let lines: [String]
    }

    /// Why the database has no answer: a sentence without its full stop.
    struct Unavailable: Error, Sendable {
        let reason: String
    }

    private let instance: String
    private let now: @Sendable () -> ContinuousClock.Instant
    private let turns = PageTurns(turns: 1, places: Limits.databaseLine)
    private var url: PostgresURL?
    private var connection: PostgresConnection?
    private var replicas: (result: Result<[Replica], Unavailable>, until: ContinuousClock.Instant)?
    /// The latest failure to connect, and until when it is not tried again.
    private var failure: (Unavailable, until: ContinuousClock.Instant)?

    /// For the gateway `instance`; knows no database yet.
    init(instance: String, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.instance = instance
        self.now = now
    }

    /// Tells where the database is.
    func use(_ url: PostgresURL) {
        self.url = url
    }

    /// Every gateway that writes into the database.
    func replicasKnown() async -> Result<[Replica], Unavailable> {
        if let replicas, now() < replicas.until { return replicas.result }
        let result = await ask(PageQueries.replicas(instance)) { rows, row throws(PostgresError) in
            Replica(
                instance: rows.text(row, 0) ?? "", hostName: rows.text(row, 1) ?? "",
                version: rows.text(row, 2) ?? "", state: rows.text(row, 3) ?? "",
                startedAt: Instant(nanoseconds: try rows.integer(row, 4) ?? 0),
                seenAt: Instant(nanoseconds: try rows.integer(row, 5) ?? 0),
                directoryAge: try rows.integer(row, 6), tenants: try rows.integer(row, 7) ?? 0,
                quarantined: try rows.integer(row, 8) ?? 0, pools: try rows.integer(row, 9) ?? 0,
                failingPools: try rows.integer(row, 10) ?? 0, isSelf: try rows.boolean(row, 11) ?? false)
        }
        replicas = (result, now() + Limits.pageDatabaseCache)
        return result
    }

    /// The latest changes of a tenant's row and rules, the newest first.
    func changes(of host: HostPattern) async -> Result<[Change], Unavailable> {
        await ask(PageQueries.history(host.description)) { rows, row throws(PostgresError) in
            Change(
                time: Instant(nanoseconds: try rows.integer(row, 0) ?? 0), table: rows.text(row, 1) ?? "",
                operation: rows.text(row, 2) ?? "", author: rows.text(row, 3) ?? "",
                program: rows.text(row, 4) ?? "",
                lines: (rows.text(row, 5) ?? "").split(separator: "\n").map(String.init))
        }
    }

    /// Closes the connection.
    func stop() {
        url = nil
        connection?.close()
        connection = nil
    }

    private func ask<Value: Sendable>(
        _ statement: PostgresStatement,
        _ value: @Sendable (PostgresRows, Int) throws(PostgresError) -> Value
    ) async -> Result<[Value], Unavailable> {
        let result = await turns.take { await query(statement) }
        switch result {
        case nil: return .failure(Unavailable(reason: "too many people look at once; reload the page"))
        case .failure(let error): return .failure(error)
        case .success(let rows):
            do throws(PostgresError) {
                var values: [Value] = []
                for row in 0..<rows.count { values.append(try value(rows, row)) }
                return .success(values)
            } catch {
                return .failure(Unavailable(reason: error.description))
            }
        }
    }

    private func query(_ statement: PostgresStatement) async -> Result<PostgresRows, Unavailable> {
        guard let url else { return .failure(Unavailable(reason: "no database is known yet")) }
        if let failure, now() < failure.until { return .failure(failure.0) }
        // A connection that has ended while nobody looked is made anew, once.
        for attempt in 0...1 {
            let isUsedAgain = connection != nil
            do throws(PostgresError) {
                let open = try await opened(url)
                let rows = try await open.transaction(
                    .repeatableRead, [statement], within: Limits.pageDatabaseTime)
                failure = nil
                guard let last = rows.last else { return .failure(Unavailable(reason: "no rows came")) }
                return .success(last)
            } catch {
                if error.endsConnection || connection == nil {
                    connection?.close()
                    connection = nil
                    if isUsedAgain, attempt == 0 { continue }
                    let sentence = Unavailable(reason: error.description)
                    failure = (sentence, now() + Limits.pageDatabaseCache)
                    return .failure(sentence)
                }
                return .failure(Unavailable(reason: error.description))
            }
        }
        return .failure(Unavailable(reason: "the database connection was lost"))
    }

    private func opened(_ url: PostgresURL) async throws(PostgresError) -> PostgresConnection {
        if let connection { return connection }
        let made = try await PostgresConnection.connect(to: url, within: Limits.pageDatabaseTime)
        connection = made
        return made
    }
}
