import Postgres

/// The SQL by which commands read and delete the rules of a host.
enum RuleQueries {
    /// The rules of a host as its gateways read them: one row with a JSON array; none where it has no rules.
    static func asRead(of host: String) -> PostgresStatement {
        PostgresStatement("SELECT v.rules FROM poolgate.tenant_rules v WHERE v.host = $1", [.text(host)])
    }

    /// The rows of a host's rules.
    static func rules(of host: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(RowQueries.list(RowTable.rules.columns, of: "t")) FROM poolgate.rules t
            WHERE t.host = $1 ORDER BY t.id
            """, [.text(host)])
    }

    /// Deletes all rules of a host, and returns them as they were.
    static func delete(of host: String) -> PostgresStatement {
        PostgresStatement(
            """
            DELETE FROM poolgate.rules AS t WHERE t.host = $1
            RETURNING \(RowQueries.list(RowTable.rules.columns, of: "t"))
            """, [.text(host)])
    }
}
