import Postgres

/// Every SQL text by which the state of the schema is read; the migrations themselves are files.
enum MigrationQueries {
    /// Waits until no other program migrates; the same lock that each file takes, held until the connection closes.
    ///
    /// Taken ahead of the files, because a file that waits inside its transaction does not see all that the one before
    /// it did.
    static let lock = PostgresStatement("SELECT pg_advisory_lock(7020669201311)")

    /// One row for each migration that the database has seen.
    static let applied = PostgresStatement(
        "SELECT version, name, checksum FROM poolgate.migrations ORDER BY version")
}
