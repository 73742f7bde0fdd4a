package import Gatekeeper
package import Postgres

/// Reads tenants by the queries of `DirectoryQueries` and makes rows of what comes back.
package enum DirectoryReader {
    /// Every row and revocation, as one transaction saw them.
    struct Everything: Sendable {
        let point: ReadPoint
        let rows: [PackedRow]
        /// Taken out once, so that they are not in memory twice.
        let revocations: RevocationCollector
    }

    /// What differs from an earlier read point.
    struct Changes: Sendable {
        let point: ReadPoint
        /// Nil where there is more than is told row by row.
        let tenants: Tenants?
        /// Nil where they are to be read anew.
        let revocations: RevocationReader.Batch?

        struct Tenants: Sendable {
            let removedHosts: [[UInt8]]
            let rows: [PackedRow]
        }
    }

    /// Since when changes are asked for.
    struct Since: Sendable {
        let tenants: String
        let revocations: String
        let position: RevocationPosition
    }

    /// The version of the newest migration; nil without a schema.
    static func schemaVersion(_ connection: PostgresConnection) async throws(PostgresError) -> Int? {
        let present = try await connection.query(DirectoryQueries.hasSchema)
        guard try present.boolean(0, 0) ?? false else { return nil }
        let version = try await connection.query(DirectoryQueries.schemaVersion)
        return try version.integer(0, 0).flatMap { Int(exactly: $0) }
    }

    /// Everything, in one transaction; throws where it did not come whole.
    static func everything(_ connection: PostgresConnection) async throws(PostgresError) -> Everything {
        let (tenants, revocations) = (RowCollector(), RevocationCollector())
        let results = try await connection.transaction(
            .snapshot,
            steps: [
                PostgresStep(DirectoryQueries.point),
                PostgresStep(DirectoryQueries.counts) { counts in
                    tenants.expect(RevocationReader.number(counts, 0, 0))
                    revocations.expect(RevocationReader.number(counts, 0, 1))
                },
                PostgresStep(DirectoryQueries.everyTenant) { tenants.take($0) },
                PostgresStep(DirectoryQueries.everyRevocation) { revocations.take($0) },
                PostgresStep(DirectoryQueries.point),
            ], within: Limits.fullReadTime)
        guard results.count == 5 else { throw .misuse("the database gave no snapshot") }
        return Everything(
            point: try samePoint(results[0], results[4]), rows: try tenants.taken(), revocations: revocations)
    }

    /// What changed, in one transaction.
    static func changes(
        _ connection: PostgresConnection, since: Since
    ) async throws(PostgresError) -> Changes {
        let results = try await connection.transaction(
            .snapshot,
            [
                DirectoryQueries.point, DirectoryQueries.byIndex,
                DirectoryQueries.hintedTenants(since: since.tenants),
                DirectoryQueries.hintedRevocations(since: since.revocations),
                DirectoryQueries.writtenRevocations(since: since.revocations, after: since.position),
                DirectoryQueries.point,
            ], within: Limits.changesReadTime)
        guard results.count == 6 else { throw .misuse("the database gave no snapshot") }
        return Changes(
            point: try samePoint(results[0], results[5]), tenants: try tenants(results[2]),
            revocations: try RevocationReader.batch(lifted: results[3], written: results[4]))
    }

    private static func tenants(_ hinted: PostgresRows) throws(PostgresError) -> Changes.Tenants? {
        guard hinted.count <= Limits.rowsReadAsChanges else { return nil }
        let positions = try hinted.columns(DirectoryQueries.columns)
        var removed: [[UInt8]] = []
        var rows: [PackedRow] = []
        for row in 0..<hinted.count {
            if hinted.isNull(row, positions[0]) {
                removed.append(hinted.bytes(row, 0) ?? [])
            } else {
                rows.append(PackedRow(hinted, row, positions: positions))
            }
        }
        return Changes.Tenants(removedHosts: removed, rows: rows)
    }

    /// The read point of a transaction, at both its ends: what is not the same there was more than one.
    private static func samePoint(_ first: PostgresRows, _ last: PostgresRows) throws(PostgresError)
        -> ReadPoint
    {
        let (first, last) = (try ReadPoint(first), try ReadPoint(last))
        guard first.snapshot == last.snapshot, first.backend == last.backend else {
            throw .misuse(
                "something between gateway and database tears transactions apart; nothing was taken from them"
            )
        }
        return first
    }

    /// A read did not bring what its own transaction counted.
    static func incomplete(_ what: String, _ seen: Int64, _ count: Int64?) -> PostgresError {
        .misuse(
            "a read of \(what) brought \(seen) rows where there are \(count.map(String.init) ?? "an unknown number"), "
                + "or one of them twice; nothing was taken from it")
    }

    /// Makes content of what was read; throws where two rows are of one host.
    static func replaced(
        _ content: DirectoryContent, by read: Everything
    ) throws(PostgresError) -> (DirectoryContent, DirectoryContent.Change, unreadable: Int) {
        var content = content
        var change = content.replaceAll(with: read.rows)
        guard content.count == read.rows.count else {
            throw incomplete("tenants", Int64(content.count), Int64(read.rows.count))
        }
        let revocations = try read.revocations.taken()
        let unreadable = revocations.unreadable
        change.revocationsChanged = content.replaceRevocations(
            with: revocations.entries, of: revocations.pools)
        return (content, change, unreadable)
    }

    /// What a one-shot read found.
    package enum Found: Sendable {
        /// There is no schema.
        case nothing
        /// The schema is of this version, which is too old to be read.
        case tooOld(version: Int)
        case content(DirectoryContent, schemaVersion: Int)
    }

    /// Reads everything once, for `check` and `explain`; a schema below version `needed` is not looked at.
    package static func load(
        _ url: PostgresURL, parser: TenantParser, needed: Int
    ) async throws(PostgresError) -> Found {
        let connection = try await PostgresConnection.connect(to: url)
        defer { connection.close() }
        guard let version = try await schemaVersion(connection) else { return .nothing }
        guard version >= needed else { return .tooOld(version: version) }
        let read = try await everything(connection)
        let content = try replaced(DirectoryContent(parser: parser), by: read).0
        return .content(content, schemaVersion: version)
    }
}

extension PostgresConnection {
    func query(
        _ statement: PostgresStatement, within deadline: Duration = Postgres.Limits.queryDeadline
    ) async throws(PostgresError) -> PostgresRows {
        try await query(statement.sql, statement.parameters, within: deadline)
    }
}
