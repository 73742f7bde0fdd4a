package import Gatekeeper
package import Postgres

/// Reads tenants by the queries of `DirectoryQueries` and makes rows of what comes back.
package enum DirectoryReader {
    /// Rows of a result, packed one at a time as they are looked at.
    struct Rows: Sendable, Sequence {
        private let result: PostgresRows
        private let positions: [Int]

        init(_ result: PostgresRows) throws(PostgresError) {
            self.result = result
            self.positions = try result.columns(DirectoryQueries.columns)
        }

        var count: Int { result.count }

        func makeIterator() -> some IteratorProtocol<PackedRow> {
            (0..<result.count).lazy.map { PackedRow(result, $0, positions: positions) }.makeIterator()
        }
    }

    /// Every row and revocation, and the snapshot that they were read in.
    struct Everything: Sendable {
        let snapshot: String
        let rows: Rows
        let revocations: RevocationReader.Entries
    }

    /// What differs from an earlier snapshot.
    struct Changes: Sendable {
        let snapshot: String
        /// The table was truncated, so that what went has no names.
        let isTruncated: Bool
        let removedHosts: [[UInt8]]
        let rows: Rows
        /// Nil where they are to be read anew.
        let revocations: Revocations.Change?
    }

    /// The version of the newest migration; nil without a schema.
    static func schemaVersion(_ connection: PostgresConnection) async throws(PostgresError) -> Int? {
        let present = try await connection.query(DirectoryQueries.hasSchema)
        guard try present.boolean(0, 0) ?? false else { return nil }
        let version = try await connection.query(DirectoryQueries.schemaVersion)
        return try version.integer(0, 0).flatMap { Int(exactly: $0) }
    }

    static func everything(_ connection: PostgresConnection) async throws(PostgresError) -> Everything {
        let results = try await connection.transaction(
            .snapshot, DirectoryQueries.everything, within: Limits.fullReadTime)
        guard results.count == 5, let snapshot = results[0].text(0, 0),
            let count = try results[2].integer(0, 0)
        else { throw .misuse("the database gave no snapshot") }
        return Everything(
            snapshot: snapshot, rows: try Rows(results[1]),
            revocations: try await RevocationReader.everything(connection, count: Int(clamping: count)))
    }

    static func changes(
        _ connection: PostgresConnection, since earlier: String
    ) async throws(PostgresError) -> Changes {
        let results = try await connection.transaction(
            .snapshot, DirectoryQueries.changes(since: earlier), within: Limits.changesReadTime)
        guard results.count == 6, let snapshot = results[0].text(0, 0) else {
            throw .misuse("the database gave no snapshot")
        }
        let gone = (0..<results[2].count).map { results[2].bytes($0, 0) }
        return Changes(
            snapshot: snapshot, isTruncated: gone.contains(nil), removedHosts: gone.compactMap { $0 },
            rows: try Rows(results[3]),
            revocations: try RevocationReader.change(lifted: results[4], written: results[5]))
    }

    /// Reads everything once, for `check` and `explain`; nil where there is no schema.
    package static func load(
        _ url: PostgresURL, parser: TenantParser
    ) async throws(PostgresError) -> (schemaVersion: Int, content: DirectoryContent)? {
        let connection = try await PostgresConnection.connect(to: url)
        defer { connection.close() }
        guard let version = try await schemaVersion(connection) else { return nil }
        let read = try await everything(connection)
        var content = DirectoryContent(parser: parser)
        _ = content.replaceAll(with: read.rows)
        _ = content.replaceRevocations(with: read.revocations.entries, of: read.revocations.pools)
        return (version, content)
    }
}

extension PostgresConnection {
    func query(
        _ statement: PostgresStatement, within deadline: Duration = Postgres.Limits.queryDeadline
    ) async throws(PostgresError) -> PostgresRows {
        try await query(statement.sql, statement.parameters, within: deadline)
    }
}
