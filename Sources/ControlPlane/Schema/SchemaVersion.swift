import Postgres

/// Which version of the schema `poolgate` a database has.
enum SchemaVersion {
    /// The version of the newest migration that was applied; nil without a schema.
    static func installed(_ connection: PostgresConnection) async throws(PostgresError) -> Int? {
        let present = try await connection.query(SchemaQueries.hasSchema)
        guard try present.boolean(0, 0) ?? false else { return nil }
        let version = try await connection.query(SchemaQueries.version)
        return try version.integer(0, 0).flatMap { Int(exactly: $0) }
    }
}

extension PostgresConnection {
    /// Runs one statement in a transaction of its own and returns its rows.
    func query(
        _ statement: PostgresStatement, within deadline: Duration = Postgres.Limits.queryDeadline
    ) async throws(PostgresError) -> PostgresRows {
        try await query(statement.sql, statement.parameters, within: deadline)
    }
}
