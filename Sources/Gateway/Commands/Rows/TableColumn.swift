/// A column of one of the tables that commands read and write, as they know it. Tests compare all of them with the schema.
struct TableColumn: Hashable, Sendable {
    /// Its name in the database, which is a word of small letters and underscores.
    let name: String
    /// What it holds.
    let kind: Kind
    /// Who writes it.
    let writer: Writer
    /// The text of its default; nil where that is NULL, or there is none.
    let initial: String?

    /// What a column holds, by the name of its type.
    enum Kind: String, Hashable, Sendable {
        case text
        case list = "text[]"
        case json = "jsonb"
        case boolean
        case integer = "bigint"
        case interval
        case time = "timestamptz"
    }

    /// Who writes a column.
    enum Writer: Hashable, Sendable {
        /// The admin, who must.
        case required
        /// The admin, who may.
        case optional
        /// The database.
        case database
    }

    /// A column with these properties.
    init(_ name: String, _ kind: Kind, _ writer: Writer = .optional, initial: String? = nil) {
        self.name = name
        self.kind = kind
        self.writer = writer
        self.initial = initial
    }
}

/// A table with the columns that commands show and write.
struct RowTable: Hashable, Sendable {
    /// Its name in the schema `poolgate`.
    let name: String
    /// What one of its rows is called.
    let singular: String
    /// The command that lists its rows.
    let listing: String
    /// Its columns, in the order in which they are shown. What says nothing to people is left out.
    let columns: [TableColumn]

    /// Those that an admin may write.
    var writable: [TableColumn] { columns.filter { $0.writer != .database } }

    /// The column of this name; nil where there is none.
    func column(_ name: String) -> TableColumn? {
        columns.first { $0.name == name }
    }

    /// `poolgate.tenants`, one row a host.
    static let tenants = RowTable(
        name: "tenants", singular: "tenant", listing: "poolgate tenants list",
        columns: [
            TableColumn("host", .text, .required), TableColumn("region", .text, .required),
            TableColumn("pool_id", .text, .required), TableColumn("status", .text, initial: "active"),
            TableColumn("upstream", .text), TableColumn("upstream_ca", .text),
            TableColumn("additional_regions", .list, initial: "{}"), TableColumn("second_region", .text),
            TableColumn("second_pool_id", .text), TableColumn("client_ids", .list),
            TableColumn("token_uses", .list, initial: "{access,id}"), TableColumn("required_groups", .list),
            TableColumn("required_scopes", .list), TableColumn("max_token_age", .interval),
            TableColumn("claim_headers", .json, initial: "{}"),
            TableColumn("header_profile", .text, initial: "poolgate"),
            TableColumn("forward_token", .boolean, initial: "true"),
            TableColumn("allow_unverified_email", .boolean, initial: "false"),
            TableColumn("cookie_name", .text), TableColumn("query_parameter", .text),
            TableColumn("cors_origins", .list), TableColumn("allow_preflights", .boolean, initial: "true"),
            TableColumn("max_body_bytes", .integer), TableColumn("websockets", .boolean, initial: "true"),
            TableColumn("at_expiry", .text, initial: "close"), TableColumn("expiry_grace", .interval),
            TableColumn("assertion", .boolean, initial: "true"), TableColumn("assertion_audience", .text),
            TableColumn("comment", .text),
            TableColumn("created_at", .time, .database), TableColumn("updated_at", .time, .database),
        ])

    /// `poolgate.rules`, rules by path.
    static let rules = RowTable(
        name: "rules", singular: "rule", listing: "poolgate rules list HOST",
        columns: [
            TableColumn("id", .integer, .database), TableColumn("host", .text, .required),
            TableColumn("path_prefix", .text, .required), TableColumn("methods", .list),
            TableColumn("access", .text, initial: "authenticated"), TableColumn("required_groups", .list),
            TableColumn("every_group", .list), TableColumn("required_scopes", .list),
            TableColumn("every_scope", .list), TableColumn("required_claims", .json),
            TableColumn("shadow", .boolean, initial: "false"), TableColumn("comment", .text),
            TableColumn("created_at", .time, .database), TableColumn("updated_at", .time, .database),
        ])

    /// `poolgate.revocations`, tokens that are refused before they expire.
    static let revocations = RowTable(
        name: "revocations", singular: "revocation", listing: "poolgate revoke --list",
        columns: [
            TableColumn("id", .integer, .database), TableColumn("region", .text, .required),
            TableColumn("pool_id", .text, .required), TableColumn("subject", .text),
            TableColumn("origin_jti", .text), TableColumn("jti", .text), TableColumn("client_id", .text),
            TableColumn("issued_before", .time), TableColumn("expires_at", .time),
            TableColumn("reason", .text), TableColumn("created_by", .text, .database),
            TableColumn("created_at", .time, .database),
        ])
}
