package import Gatekeeper
package import Postgres

/// Withdraws keys of pools, and lifts that, in the database: for the command `pools`.
package struct KeyWithdrawals: Sendable {
    /// What is to be done with a key.
    package enum Deed: Sendable, Equatable {
        /// No gateway trusts it any more. The reason is for the log; nil keeps what stands there.
        case withdraw(reason: String?)
        /// It is trusted again where its pool publishes it.
        case lift
    }

    /// What was done.
    package struct Done: Sendable, Equatable {
        /// The pool whose key it is.
        package let pool: PoolName
        /// Since when the key is, or was, withdrawn, and why.
        package let withdrawal: WithdrawnKeys.Withdrawal
        /// How many gateways judge by it.
        package let liveOn: Int
        /// How many gateways run.
        package let gateways: Int
    }

    /// Why nothing was done. The texts are sentences without their full stop.
    package enum Failure: Error, CustomStringConvertible {
        /// The database could not be asked, or refused.
        case database(PostgresError)
        /// The schema is older than this program's, or there is none.
        case schemaTooOld
        /// No gateway has a key of that name, or none of it is withdrawn.
        case notFound(String)
        /// Several pools have a key of that name.
        case ambiguous(PoolName, PoolName)

        /// It was written, and so many gateways had not heard of it in time.
        case notEverywhere(Done)

        /// Whether the database could not be reached at all.
        package var isUnreachable: Bool {
            if case .database(let error) = self { error.endsConnection } else { false }
        }

        /// A sentence without its full stop.
        package var description: String {
            switch self {
            case .database(let error): error.description + (error.advice.map { "; \($0)" } ?? "")
            case .schemaTooOld: "the database's schema is too old for this: run 'poolgate migrate'"
            case .notFound(let sentence): sentence
            case .notEverywhere(let done):
                "it is written, but only \(done.liveOn) of \(done.gateways) gateways have heard of it so far; look at "
                    + "poolgate.replicas"
            case .ambiguous(let one, let other):
                "more than one pool has that key, \(one) and \(other) among them: say which with --pool"
            }
        }
    }

    private let connection: PostgresConnection

    /// Calls `body` with an open connection to `url`. `needed` is the version of the schema that this program knows.
    package static func use<Result: Sendable>(
        _ url: PostgresURL, needed: Int, _ body: (KeyWithdrawals) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let connection: PostgresConnection
        do throws(PostgresError) {
            connection = try await PostgresConnection.connect(to: url)
        } catch {
            throw .database(error)
        }
        defer { connection.close() }
        let version: Int?
        do throws(PostgresError) {
            version = try await SchemaVersion.installed(connection)
        } catch {
            throw .database(error)
        }
        guard let version, version >= needed else { throw .schemaTooOld }
        return try await body(KeyWithdrawals(connection: connection))
    }

    /// The pool whose key a person means who names none: the one of which gateways hold it or, to lift it, the one from
    /// which it is withdrawn.
    package func pool(of keyID: String, for deed: Deed) async throws(Failure) -> PoolName {
        let (statement, nobody) =
            switch deed {
            case .withdraw:
                (
                    WithdrawnKeyQueries.holders(of: keyID),
                    "no running gateway has a key of that name: say of which pool with --pool"
                )
            case .lift: (WithdrawnKeyQueries.withdrawn(keyID), "no key of that name is withdrawn")
            }
        let rows = try await ask(statement)
        let pools = (0..<rows.count).compactMap { row in
            rows.text(row, 1).flatMap { PoolReference.pool($0) }
        }
        guard let pool = pools.first else { throw .notFound(nobody) }
        guard pools.count == 1 else { throw .ambiguous(pools[0], pools[1]) }
        return pool
    }

    /// Withdraws the key of this printed name, or lifts that, for the person `actor`, and waits until every gateway that runs
    /// judges by it, but no longer than `patience`.
    package func perform(
        _ deed: Deed, _ keyID: String, of pool: PoolName, by actor: String, patience: Duration
    ) async throws(Failure) -> Done {
        let statement =
            switch deed {
            case .withdraw(let reason): WithdrawnKeyQueries.withdrawing(keyID, of: pool, reason: reason)
            case .lift: WithdrawnKeyQueries.lifting(keyID, of: pool)
            }
        let rows = try await write(statement, by: actor)
        guard rows.count == 1, let transaction = rows.text(0, 0), let at = rows.text(0, 1) else {
            throw .notFound("no key of that name is withdrawn from \(pool)")
        }
        let withdrawal = WithdrawnKeys.Withdrawal(at: at, reason: rows.text(0, 2))
        let end = ContinuousClock.now + patience
        while true {
            let reach = try await ask(WithdrawnKeyQueries.reach(of: transaction))
            let (liveOn, gateways) = (Int(number(reach, 0)), Int(number(reach, 1)))
            if liveOn == gateways || ContinuousClock.now >= end {
                return Done(pool: pool, withdrawal: withdrawal, liveOn: liveOn, gateways: gateways)
            }
            try? await Task.sleep(for: Limits.reachPause)
        }
    }

    private func number(_ rows: PostgresRows, _ column: Int) -> Int64 {
        RevocationReader.number(rows, 0, column) ?? 0
    }

    /// Runs the statement in a transaction of which the history says who is behind it.
    private func write(_ statement: PostgresStatement, by actor: String) async throws(Failure) -> PostgresRows
    {
        do throws(PostgresError) {
            let results = try await connection.transaction(
                .readWrite, [WithdrawnKeyQueries.actor(actor), statement])
            guard let rows = results.last else { throw .misuse("the transaction gave no rows") }
            return rows
        } catch {
            throw .database(error)
        }
    }

    private func ask(_ statement: PostgresStatement) async throws(Failure) -> PostgresRows {
        do throws(PostgresError) {
            return try await connection.query(statement)
        } catch {
            throw .database(error)
        }
    }
}
