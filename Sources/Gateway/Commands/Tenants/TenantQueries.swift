import Postgres

/// The SQL by which commands read tenants and how they are doing.
enum TenantQueries {
    /// The names of the rows of which one serves a host, the one that does first: the host itself, then each wildcard above it.
    static func candidates(for host: String) -> [String] {
        var names = [host]
        var rest = host[...]
        while let dot = rest.firstIndex(of: "."), rest.index(after: dot) < rest.endIndex {
            rest = rest[rest.index(after: dot)...]
            names.append("*.\(rest)")
        }
        return names
    }

    /// The row that serves a host: its own, or that of the longest wildcard above it.
    static func serving(_ host: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(RowQueries.list(RowTable.tenants.columns, of: "t")) FROM poolgate.tenants t
            WHERE t.host = ANY ($1::text[]) ORDER BY array_position($1::text[], t.host) LIMIT 1
            """, [.texts(candidates(for: host))])
    }

    /// How a host is doing on each gateway.
    static func status(of host: String) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT s.instance, s.state, s.detail, s.keys, (extract(epoch FROM s.since) * 1000)::bigint
            FROM poolgate.tenant_status s WHERE s.host = $1 ORDER BY s.instance
            """, [.text(host)])
    }

    /// What a list of tenants is narrowed to; nil narrows it not.
    struct Filter {
        var part: String?
        var status: String?
        var poolID: String?
    }

    /// The next tenants behind a host in the order of the hosts, from the first where that is nil.
    static func page(_ filter: Filter, behind host: String?, atMost count: Int) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(RowQueries.list(RowTable.tenants.columns, of: "t")) FROM poolgate.tenants t
            WHERE \(matches) AND ($4::text IS NULL OR t.host > $4) ORDER BY t.host LIMIT $5::bigint
            """, parameters(filter) + [.text(host), .integer(count)])
    }

    /// How many tenants there are.
    static func count(_ filter: Filter) -> PostgresStatement {
        PostgresStatement("SELECT count(*) FROM poolgate.tenants t WHERE \(matches)", parameters(filter))
    }

    private static let matches = """
        ($1::text IS NULL OR strpos(t.host, $1) > 0) AND ($2::text IS NULL OR t.status = $2)
            AND ($3::text IS NULL OR t.pool_id = $3 OR t.second_pool_id = $3)
        """

    private static func parameters(_ filter: Filter) -> [PostgresValue] {
        [.text(filter.part), .text(filter.status), .text(filter.poolID)]
    }
}
