import Postgres

/// Every SQL text by which the state of the schema is read; the migrations themselves are files.
enum MigrationQueries {
    /// Begins the transaction that the file's own BEGIN finds open, and waits in it until no other program migrates.
    ///
    /// The lock is the file's own, which goes with the transaction: one of the session would stay on a pooler's
    /// connection to the server for ever. The file would wait for it too, but with what was known of the catalogue
    /// before; touching a table makes the server look at what changed meanwhile. All is set for the transaction alone.
    static func opening(within limit: Duration) -> String {
        """
        BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
        SET LOCAL client_min_messages = error; SET LOCAL lock_timeout = 0; SET LOCAL row_security = off;
        SET LOCAL statement_timeout = '\(limit.components.seconds)s';
        SET LOCAL idle_in_transaction_session_timeout = '\(limit.components.seconds)s';
        SELECT pg_advisory_xact_lock(7020669201311); LOCK TABLE pg_catalog.pg_namespace IN ACCESS SHARE MODE;

        """
    }

    /// One row: who owns the schema; none where there is no schema.
    static let owner = PostgresStatement(
        "SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = 'poolgate'")

    /// One row for each migration that the database has seen.
    static let applied = PostgresStatement(
        "SELECT version, name, checksum FROM poolgate.migrations ORDER BY version")
}
