import Foundation
import TestSupport
import Testing

@testable import Postgres

/// The files under sql/, applied as the gateway applies them and as an admin does.
@Suite(.serialized) struct MigrationTests {
    private func migrate(_ connection: PostgresConnection) async throws -> [PostgresNotice] {
        var notices: [PostgresNotice] = []
        for file in try TemporaryPostgres.migrations() {
            notices += try await connection.execute(
                script: String(contentsOfFile: file, encoding: .utf8), within: .seconds(60))
        }
        return notices
    }

    @Test("The SQL tests hold")
    func sqlTests() throws {
        let server = try TemporaryPostgres()
        let runner = TemporaryPostgres.repository.appending(path: "sql/tests/run").path
        let printed = try TemporaryPostgres.run(
            "/bin/bash", [runner], environment: ["DATABASE_URL": server.url()])
        #expect(!printed.contains("FAILED"))
        #expect(printed.split(separator: "\n").filter { $0.hasPrefix("ok") }.count >= 10)
    }

    @Test("psql and the gateway apply the same files, and each sees what the other did")
    func sameFiles() async throws {
        let server = try TemporaryPostgres()
        let connection = try await PostgresConnection.connect(to: PostgresURL(server.url()))
        #expect(try await migrate(connection).isEmpty)
        let sums = "SELECT string_agg(name || checksum, ',' ORDER BY version) FROM poolgate.migrations"
        let ours = try server.psql(sums)
        try server.apply(files: TemporaryPostgres.migrations())
        #expect(try await migrate(connection).isEmpty)
        _ = try server.createDatabase("other")
        try server.apply(files: TemporaryPostgres.migrations(), database: "other")
        #expect(try server.psql(sums, database: "other") == ours)
        let elsewhere = try await PostgresConnection.connect(to: PostgresURL(server.url(database: "other")))
        #expect(try await migrate(elsewhere).isEmpty)
    }

    @Test("A file that was changed after it was applied is remarked on, not applied")
    func changedFile() async throws {
        let server = try TemporaryPostgres()
        let connection = try await PostgresConnection.connect(to: PostgresURL(server.url()))
        _ = try await migrate(connection)
        try server.psql("UPDATE poolgate.migrations SET checksum = 'other' WHERE version = 2")
        #expect(
            try await migrate(connection).map(\.description)
                == ["WARNING: migration 0002_health was applied with another text than this file has"])
    }

    @Test("Two gateways that migrate at once both succeed")
    func concurrentMigrations() async throws {
        let server = try TemporaryPostgres()
        let url = try PostgresURL(server.url())
        let (one, two) = try await (PostgresConnection.connect(to: url), PostgresConnection.connect(to: url))
        async let first = migrate(one)
        async let second = migrate(two)
        _ = try await (first, second)
        #expect(
            try server.psql("SELECT count(*) FROM poolgate.migrations")
                == "\(try TemporaryPostgres.migrations().count)\n")
    }

    @Test("Where roles cannot be created, the migration says what to run and goes on")
    func rolesNotAllowed() async throws {
        let server = try TemporaryPostgres()
        try server.psql("CREATE ROLE plain LOGIN")
        try server.psql("CREATE DATABASE app OWNER plain")
        let url = try PostgresURL("postgres://plain@/app?host=\(server.directory)&port=\(server.port)")
        let connection = try await PostgresConnection.connect(to: url)
        let warnings = try await migrate(connection).map(\.description)
        #expect(warnings.count == 2)
        #expect(
            warnings.allSatisfy {
                $0.contains("CREATE ROLE poolgate_") && $0.contains("poolgate.grant_privileges()")
            })
        try server.psql("CREATE ROLE poolgate_gateway NOLOGIN; CREATE ROLE poolgate_admin NOLOGIN")
        _ = try await connection.query("SELECT poolgate.grant_privileges()")
        #expect(
            try server.psql(
                "SELECT has_table_privilege('poolgate_admin', 'poolgate.tenants', 'INSERT')", database: "app")
                == "t\n")
    }

    @Test("A transaction that commits late is found by the next read")
    func lateCommit() async throws {
        let server = try TemporaryPostgres()
        let url = try PostgresURL(server.url())
        let reader = try await PostgresConnection.connect(to: url)
        _ = try await migrate(reader)
        let early = try #require(try await snapshot(reader))
        // The late writer has its transaction id before the other and commits after it, when the lock is given up.
        let gate = try await PostgresConnection.connect(to: url)
        _ = try await gate.query("SELECT pg_advisory_lock(1)")
        let writer = try await PostgresConnection.connect(to: url)
        async let late = writer.transaction(
            .readWrite,
            [
                .init("INSERT INTO poolgate.tenants VALUES ('late.example', 'eu-west-1', 'eu-west-1_a')"),
                .init("SELECT pg_advisory_xact_lock(1)"),
            ], within: .seconds(60))
        let writers =
            "SELECT FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()"
        while try await reader.query(writers).count == 0 { try await Task.sleep(for: .milliseconds(10)) }
        _ = try await reader.query(
            "INSERT INTO poolgate.tenants VALUES ('early.example', 'eu-west-1', 'eu-west-1_a')")
        #expect(try await changed(reader, since: early) == ["early.example"])
        let between = try #require(try await snapshot(reader))
        gate.close()
        _ = try await late
        #expect(try await changed(reader, since: between) == ["late.example"])
        let after = try #require(try await snapshot(reader))
        #expect(try await changed(reader, since: after).isEmpty)
    }

    @Test("A change is announced with the table's name only, and a read by a stranger announces nothing")
    func announcements() async throws {
        let server = try TemporaryPostgres()
        let connection = try await PostgresConnection.connect(to: PostgresURL(server.url()))
        _ = try await migrate(connection)
        try await connection.listen(to: "poolgate")
        try server.psql("UPDATE poolgate.tenants SET status = 'active'")
        try server.psql(
            "INSERT INTO poolgate.instances (instance, host_name, version, started_at) VALUES ('i', 'h', '1', now())"
        )
        try server.psql(
            """
            INSERT INTO poolgate.tenants (host, region, pool_id)
            SELECT 'h' || n || '.example', 'eu-west-1', 'eu-west-1_a' FROM generate_series(1, 500) n
            """)
        try server.psql("DELETE FROM poolgate.tenants WHERE host = 'h1.example'")
        try server.psql("TRUNCATE poolgate.tenants CASCADE")
        try server.psql("NOTIFY poolgate, 'end'")
        var heard: [String] = []
        for await notification in connection.notifications {
            heard.append(notification.payload)
            if notification.payload == "end" { break }
        }
        #expect(heard == ["tenants", "tenants", "tenants", "rules", "end"])
    }

    @Test("The generated file holds the migrations as they are")
    func generatedFile() throws {
        let generator = TemporaryPostgres.repository.appending(path: "ops/generate-migrations").path
        let printed = try TemporaryPostgres.run("/bin/bash", [generator, "--check"])
        #expect(printed.isEmpty)
    }

    private func snapshot(_ connection: PostgresConnection) async throws -> String? {
        try await connection.query("SELECT pg_current_snapshot()::text").text(0, 0)
    }

    private func changed(_ connection: PostgresConnection, since last: String) async throws -> [String?] {
        let rows = try await connection.query(
            """
            SELECT host FROM poolgate.tenants
            WHERE changed >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(changed, $1::pg_snapshot)
            """, [.text(last)])
        return (0..<rows.count).map { rows.text($0, 0) }
    }
}
