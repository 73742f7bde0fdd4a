import ArgumentParser
import Postgres

/// The database as a command works on it: one transaction, and the wait for gateways to serve what it wrote.
enum AdminDatabase {
    /// What came of writing rows.
    enum Attempt {
        /// The rows, and what gateways are waited for until.
        case done([RowChange], until: LiveWait.Goal)
        /// The table has no row with this key, so that nothing is to be written.
        case missing(RowTable, key: String)
    }

    /// What a command wrote, and on how many gateways it is live; nil where nobody waited.
    struct Written {
        let changes: [RowChange]
        let liveOn: Int?
    }

    /// Reads by `body` in one transaction that sees one state of the database. Prints what goes wrong, and throws its exit
    /// status.
    static func read<Value>(
        _ settings: Settings,
        _ body: (inout AdminTransaction) async throws(PostgresError) -> Value
    ) async throws -> Value {
        try await connected(settings) { connection throws(PostgresError) in
            var transaction = try await AdminTransaction.begin(on: connection, .repeatableRead, actor: "")
            let value = try await body(&transaction)
            try await transaction.rollBack()
            return value
        }
    }

    /// Writes by `body` in one transaction, which is taken back where the options ask for a trial, or a row is missing. Waits
    /// for the gateways where they ask for that. Prints what goes wrong, and throws its exit status.
    static func write(
        _ settings: Settings, _ options: WriteOptions,
        _ body: (inout AdminTransaction) async throws(PostgresError) -> Attempt
    ) async throws -> Written {
        let attempt = try await connected(settings) { connection throws(PostgresError) -> (Attempt, Int?) in
            var transaction = try await AdminTransaction.begin(
                on: connection, .readWrite, actor: options.actorName)
            let attempt = try await body(&transaction)
            guard case .done(_, let goal) = attempt else {
                try await transaction.rollBack()
                return (attempt, nil)
            }
            try await transaction.end(isTrial: options.dryRun)
            guard let wait = options.wait, !options.dryRun else { return (attempt, nil) }
            return (attempt, try await LiveWait.wait(goal, wait, on: connection))
        }
        switch attempt {
        case (.done(let changes, _), let liveOn): return Written(changes: changes, liveOn: liveOn)
        case (.missing(let table, let key), _): throw missing(table, key)
        }
    }

    /// Prints that a table has no row with this key; returns the exit status.
    static func missing(_ table: RowTable, _ key: String) -> ExitCode {
        Output.complaint(
            "there is no \(table.singular) \(Printable.text(key)): '\(table.listing)' shows those that there are"
        )
        return .failure
    }

    /// Calls `body` with a connection to the settings' database.
    static func connected<Value>(
        _ settings: Settings, _ body: (PostgresConnection) async throws(PostgresError) -> Value
    ) async throws -> Value {
        try await CommandDatabase.use(settings) { url in
            do throws(PostgresError) {
                let connection = try await PostgresConnection.connect(to: url)
                defer { connection.close() }
                return try await body(connection)
            } catch {
                throw DatabaseComplaint.tell(error)
            }
        }
    }
}
