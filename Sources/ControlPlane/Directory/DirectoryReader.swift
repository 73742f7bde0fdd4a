package import Gatekeeper
package import Postgres

/// Reads the directory from the database, by the queries of `DirectoryQueries`.
package enum DirectoryReader {
    /// Every tenant and revocation, as one transaction saw them.
    struct Everything: Sendable {
        let point: ReadPoint
        let rows: [PackedRow]
        /// Holds the revocations until they are taken, which can be done once, so that they are not in memory twice.
        let revocations: RevocationCollector
        let withdrawnKeys: WithdrawnKeys
    }

    /// What differs from an earlier read point.
    struct Changes: Sendable {
        let point: ReadPoint
        /// Nil where more changed than is read row by row: everything is to be read.
        let tenants: Tenants?
        /// Nil where more was lifted than is read row by row: everything is to be read.
        let revocations: RevocationReader.Batch?
        /// All of them, changed or not.
        let withdrawnKeys: WithdrawnKeys

        /// Tenants that came, changed or went.
        struct Tenants: Sendable {
            let removedHosts: [[UInt8]]
            let rows: [PackedRow]
        }
    }

    /// Reads everything in one transaction; throws where it did not come whole.
    static func everything(_ connection: PostgresConnection) async throws(PostgresError) -> Everything {
        let (tenants, revocations) = (TenantRowCollector(), RevocationCollector())
        let results = try await connection.transaction(
            .repeatableRead,
            steps: [
                PostgresStep(DirectoryQueries.point),
                PostgresStep(DirectoryQueries.counts) { counts in
                    tenants.expect(RevocationReader.number(counts, 0, 0))
                    revocations.expect(RevocationReader.number(counts, 0, 1))
                },
                PostgresStep(DirectoryQueries.everyTenant) { tenants.take($0) },
                PostgresStep(DirectoryQueries.everyRevocation) { revocations.take($0) },
                PostgresStep(DirectoryQueries.withdrawnKeys),
                PostgresStep(DirectoryQueries.point),
            ], within: Limits.fullReadTime)
        guard results.count == 6 else { throw .misuse("the database gave no snapshot") }
        return Everything(
            point: try samePoint(results[0], results[5]), rows: try tenants.takeRows(),
            revocations: revocations, withdrawnKeys: try WithdrawnKeysReader.keys(in: results[4]))
    }

    /// Reads what changed, in one transaction.
    static func changes(
        _ connection: PostgresConnection, since: ReadProgress.Since
    ) async throws(PostgresError) -> Changes {
        let results = try await connection.transaction(
            .repeatableRead,
            [
                DirectoryQueries.point, DirectoryQueries.byIndex,
                DirectoryQueries.hintedTenants(since: since.tenants),
                DirectoryQueries.hintedRevocations(since: since.revocations),
                DirectoryQueries.writtenRevocations(since: since.revocations, after: since.position),
                DirectoryQueries.withdrawnKeys, DirectoryQueries.point,
            ], within: Limits.changesReadTime)
        guard results.count == 7 else { throw .misuse("the database gave no snapshot") }
        return Changes(
            point: try samePoint(results[0], results[6]), tenants: try tenants(results[2]),
            revocations: try RevocationReader.batch(lifted: results[3], written: results[4]),
            withdrawnKeys: try WithdrawnKeysReader.keys(in: results[5]))
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

    /// The read point of a transaction that asked for it first and last. Where the two differ, something in between, such
    /// as a pooler, made several transactions of it.
    private static func samePoint(_ first: PostgresRows, _ last: PostgresRows) throws(PostgresError)
        -> ReadPoint
    {
        let (first, last) = (try ReadPoint(first), try ReadPoint(last))
        guard first.visibility == last.visibility, first.backend == last.backend else {
            throw .misuse(
                "something between gateway and database tears transactions apart; nothing was taken from them"
            )
        }
        return first
    }

    /// The content after everything was read, the change that this was to it, and the number of revocations that could
    /// not be read; throws where two rows are of one host.
    static func replaced(
        _ content: DirectoryContent, by read: Everything
    ) throws(PostgresError) -> (DirectoryContent, DirectoryContent.Change, unreadable: Int) {
        var content = content
        var change = content.replaceAll(with: read.rows)
        guard content.count == read.rows.count else {
            throw .incompleteRead("tenants", Int64(content.count), Int64(read.rows.count))
        }
        let revocations = try read.revocations.takeEntries()
        let unreadable = revocations.unreadable
        change.revocationsChanged = content.replaceRevocations(
            with: revocations.entries, of: revocations.pools)
        content.replaceWithdrawnKeys(with: read.withdrawnKeys, &change)
        return (content, change, unreadable)
    }

    /// What `load` found.
    package enum Found: Sendable {
        /// There is no schema.
        case nothing
        /// The schema is of this version, which is too old to be read.
        case tooOld(version: Int)
        /// The whole directory, from a schema of this version.
        case content(DirectoryContent, schemaVersion: Int)
    }

    /// Connects to `url` and reads everything once, for the commands `check` and `explain`. A schema older than version
    /// `needed` is not read.
    package static func load(
        _ url: PostgresURL, parser: TenantParser, needed: Int
    ) async throws(PostgresError) -> Found {
        let connection = try await PostgresConnection.connect(to: url)
        defer { connection.close() }
        guard let version = try await SchemaVersion.installed(connection) else { return .nothing }
        guard version >= needed else { return .tooOld(version: version) }
        let read = try await everything(connection)
        let content = try replaced(DirectoryContent(parser: parser), by: read).0
        return .content(content, schemaVersion: version)
    }
}
