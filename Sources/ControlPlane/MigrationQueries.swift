import Postgres

/// Every SQL text by which the state of the schema is read; the migrations themselves are files.
enum MigrationQueries {
    /// One row for each migration that the database has seen.
    static let applied = PostgresStatement(
        "SELECT version, name, checksum FROM poolgate.migrations ORDER BY version")
}
