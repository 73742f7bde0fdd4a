import Postgres

/// The SQL by which the schema's state is read, and that precedes a migration. The migrations themselves are files.
enum SchemaQueries {
    /// One row: whether the table of migrations is there. Every user may read that in the catalogue.
    static let hasSchema = PostgresStatement(
        """
        SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'poolgate' AND c.relname = 'migrations') AS present
        """)

    /// One row: the version of the newest migration; NULL where there is none.
    static let version = PostgresStatement("SELECT max(version) AS version FROM poolgate.migrations")

    /// Begins the transaction that a migration file runs in, and waits until no other program migrates. The file's own
    /// BEGIN finds the transaction open, which Postgres takes with a warning.
    ///
    /// The advisory lock is the one that the file takes, too. It ends with the transaction: a lock of the session would
    /// stay on a pooler's server connection for ever. It is taken here already, and a table of the catalogue touched after
    /// it, so that the file sees what other programs changed while it waited. Every setting ends with the transaction.
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

    /// One row for each migration that was applied to the database.
    static let applied = PostgresStatement(
        "SELECT version, name, checksum FROM poolgate.migrations ORDER BY version")
}
