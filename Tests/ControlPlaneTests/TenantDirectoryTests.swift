import ControlPlane
import Foundation
import Gatekeeper
import Postgres
import TestSupport
import Testing

@Suite(.serialized) struct TenantDirectoryTests {
    @Test("Insert, update, delete, wildcard and TRUNCATE of a real table are live within moments")
    func life() async throws {
        let database = try Cluster.database()
        try database.insert("a.test")
        let running = try RunningDirectory(database.url)
        await eventually("the first load") { running.tenant("a.test") != nil }
        #expect(running.status.source == .database)
        await eventually("the echo") { running.status.isListening == true }

        try database.insert("*.b.test", pool: "eu-west-1_Two")
        await eventually("the insert", within: .seconds(20)) { running.tenant("*.b.test") != nil }
        #expect(
            running.pools.statuses().map(\.pool.poolID.description) == ["eu-west-1_One", "eu-west-1_Two"])
        let unchanged = running.tenant("*.b.test")

        try database.run("UPDATE poolgate.tenants SET required_groups = '{staff}' WHERE host = 'a.test'")
        await eventually("the update", within: .seconds(20)) {
            running.tenant("a.test")?.requiredGroups != nil
        }
        #expect(running.tenant("*.b.test") === unchanged)

        try database.run("UPDATE poolgate.tenants SET host = 'c.test' WHERE host = 'a.test'")
        await eventually("the rename", within: .seconds(20)) { running.tenant("c.test") != nil }
        #expect(running.tenant("a.test") == nil)

        try database.run("DELETE FROM poolgate.tenants WHERE host = 'c.test'")
        await eventually("the delete", within: .seconds(20)) { running.tenant("c.test") == nil }
        await eventually("its pool's end") { running.pools.statuses().count == 1 }

        try database.run("TRUNCATE poolgate.tenants CASCADE")
        await eventually("the suspicion") {
            running.sawObservation { if case .emptinessSuspected = $0 { true } else { false } }
        }
        #expect(running.tenant("*.b.test") === unchanged)
        await eventually("the empty table", within: .seconds(20)) { running.directory?.count == 0 }
        await running.stop()
    }

    @Test("A table that is filled again within a second was never empty to anybody")
    func emptiedForAMoment() async throws {
        let database = try Cluster.database()
        try database.insert("a.test")
        let running = try RunningDirectory(database.url)
        await eventually("the first load") { running.tenant("a.test") != nil }
        try database.run("DELETE FROM poolgate.tenants")
        await eventually("the suspicion") {
            running.sawObservation { if case .emptinessSuspected = $0 { true } else { false } }
        }
        try database.insert("b.test")
        await eventually("the new row", within: .seconds(20)) { running.tenant("b.test") != nil }
        #expect(running.tenant("a.test") == nil)
        #expect(running.publications == 2)
        await running.stop()
    }

    @Test("An empty table at the start is a directory at once")
    func emptyAtStart() async throws {
        let database = try Cluster.database()
        let running = try RunningDirectory(database.url)
        await eventually("the load", within: .seconds(20)) { running.directory != nil }
        #expect(running.directory?.count == 0)
        #expect(running.pools.isFirstPassDone)
        await running.stop()
    }

    @Test("A transaction that began before a read and commits after it is not skipped")
    func lateCommit() async throws {
        let database = try Cluster.database()
        try database.insert("a.test")
        let running = try RunningDirectory(database.url)
        await eventually("the first load") { running.tenant("a.test") != nil }
        let late = try await PostgresConnection.connect(to: PostgresURL(database.url))
        async let done = late.execute(
            script: """
                BEGIN;
                INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('late.test', 'eu-west-1', 'eu-west-1_One');
                SELECT pg_sleep(3);
                COMMIT;
                """)
        try await Task.sleep(for: .milliseconds(200))
        try database.insert("early.test")
        await eventually("the early row") { running.tenant("early.test") != nil }
        #expect(running.tenant("late.test") == nil)
        _ = try await done
        await eventually("the late row", within: .seconds(20)) { running.tenant("late.test") != nil }
        late.close()
        await running.stop()
    }

    @Test("A row that the trigger would refuse is quarantined alone")
    func badRow() async throws {
        let database = try Cluster.database()
        try database.run(
            """
            SET session_replication_role = replica;
            ALTER TABLE poolgate.tenants DROP CONSTRAINT tenants_pool_id_check;
            INSERT INTO poolgate.tenants (host, region, pool_id) VALUES
                ('bad.test', 'eu-west-2', 'eu-west-1_One'), ('good.test', 'eu-west-1', 'eu-west-1_One');
            """)
        let running = try RunningDirectory(database.url)
        await eventually("the load") { running.tenant("good.test") != nil }
        guard case .misconfigured = try running.directory?[#require(HostPattern("bad.test"))] else {
            Issue.record("the bad row has no place")
            return
        }
        #expect(running.status.quarantined.keys.contains("bad.test"))
        #expect(
            running.sawObservation { if case .tenantQuarantined("bad.test", _) = $0 { true } else { false } })
        await running.stop()
    }

    @Test("A cut connection and a database that restarts are survived, what changed meanwhile is read")
    func reconnect() async throws {
        let database = try Cluster.database()
        try database.insert("a.test")
        let running = try RunningDirectory(database.url)
        await eventually("the first load") { running.tenant("a.test") != nil }
        let kept = running.tenant("a.test")
        try database.run(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
        try database.insert("b.test")
        await eventually("the row after the cut", within: .seconds(20)) { running.tenant("b.test") != nil }
        database.postgres.stop()
        await eventually("the loss") { if case .lost = running.status.link { true } else { false } }
        #expect(running.tenant("a.test") === kept)
        try database.postgres.start()
        try database.insert("c.test")
        await eventually("the row after the restart", within: .seconds(20)) {
            running.tenant("c.test") != nil
        }
        #expect(running.tenant("a.test") === kept)
        await running.stop()
    }

    @Test("A lost notification is made up for by the next one, for every read asks for all that changed")
    func lostNotification() async throws {
        let database = try Cluster.database()
        let running = try RunningDirectory(database.url)
        await eventually("the echo") { running.status.isListening == true }
        try database.run(
            """
            SET session_replication_role = replica;
            INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('silent.test', 'eu-west-1', 'eu-west-1_One');
            """)
        try database.insert("loud.test")
        await eventually("both", within: .seconds(20)) {
            running.tenant("loud.test") != nil && running.tenant("silent.test") != nil
        }
        await running.stop()
    }

    @Test("A database without schema, or with an older one, is waited for; a newer one is served")
    func schemas() async throws {
        let database = try Cluster.database(migrated: false)
        let running = try RunningDirectory(database.url, schemaVersion: 1)
        await eventually("the wait") { running.status.link == .schemaTooOld(found: nil, needed: 1) }
        try database.postgres.apply(files: TemporaryPostgres.migrations(), database: database.name)
        await eventually("the load", within: .seconds(20)) { running.directory != nil }
        #expect(
            running.sawObservation { if case .schemaNewer(_, known: 1) = $0 { true } else { false } })
        await running.stop()
        let old = try RunningDirectory(database.url, schemaVersion: 1_000)
        await eventually("the sentence") {
            if case .schemaTooOld(.some, needed: 1_000) = old.status.link { true } else { false }
        }
        #expect(old.directory == nil)
        await old.stop()
    }

    @Test("Without a database the rows saved earlier are served after 2 s, and the database's take over")
    func fromDisk() async throws {
        let folder = NSTemporaryDirectory() + "poolgate-state-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let database = try Cluster.database()
        try database.insert("a.test")
        let first = try RunningDirectory(database.url, folder: folder)
        await eventually("the load") { first.tenant("a.test") != nil }
        await eventually("the copy", within: .seconds(20)) { first.status.savedAt != nil }
        // What comes after the whole copy stands in the journal, within a second and without a stop.
        try database.insert("b.test")
        try database.run("DELETE FROM poolgate.tenants WHERE host = 'a.test'")
        try database.insert("a.test")
        await eventually("the change") { first.tenant("b.test") != nil && first.tenant("a.test") != nil }
        let live = first.status.confirmedAt
        await eventually("the change on disk", within: .seconds(20)) {
            first.status.savedAt.map { saved in live.map { $0 <= saved } ?? false } ?? false
        }
        #expect(FileManager.default.fileExists(atPath: folder + "/tenants.changes"))
        await first.stop()
        database.postgres.stop()
        let second = try RunningDirectory(database.url, folder: folder)
        await eventually("the saved rows", within: .seconds(20)) { second.tenant("a.test") != nil }
        guard case .disk = second.status.source else {
            Issue.record("not from disk")
            return
        }
        let kept = second.tenant("a.test")
        #expect(second.tenant("b.test") != nil)
        #expect(
            second.sawObservation {
                if case .savedRowsLoaded(2, let changes, _, isCut: false) = $0 { changes > 0 } else { false }
            })
        try database.postgres.start()
        await eventually("the database", within: .seconds(20)) { second.status.source == .database }
        #expect(second.tenant("a.test") === kept)
        #expect(second.pools.statuses().count == 1)
        await second.stop()
    }

    @Test("A stopped directory ends within a second, also while the database cannot be reached")
    func stop() async throws {
        let running = try RunningDirectory("postgres://127.0.0.1:1/none")
        await eventually("the loss") { if case .lost = running.status.link { true } else { false } }
        let began = ContinuousClock.now
        await running.stop()
        #expect(ContinuousClock.now - began < .seconds(4))
    }

    @Test("Health says within moments what is served, and wait_until_live returns by it")
    func health() async throws {
        let database = try Cluster.database()
        let running = try RunningDirectory(database.url, instance: "gateway-1")
        running.endpoint.stand(TestKeys.pool("One"), .failure(.status(503)))
        try await eventually("the instance") {
            try database.run("SELECT count(*) FROM poolgate.instances WHERE snapshot IS NOT NULL") == "1\n"
        }
        try database.insert("a.test")
        let began = ContinuousClock.now
        #expect(try database.run("SELECT poolgate.wait_until_live('a.test', '5 s')") == "1\n")
        #expect(ContinuousClock.now - began < .seconds(4))
        try await eventually("the failure", within: .seconds(20)) {
            try database.run("SELECT state, detail FROM poolgate.tenant_status WHERE host = 'a.test'")
                == "failing|the key endpoint answered 503: it has a fault of its own\n"
        }
        running.endpoint.stand(TestKeys.pool("One"), try TestKeys.fetched("a", "b"))
        try await eventually("the recovery", within: .seconds(20)) {
            try database.run("SELECT state, keys FROM poolgate.tenant_status WHERE host = 'a.test'")
                == "ready|2\n"
        }
        try database.run("DELETE FROM poolgate.tenants")
        try await eventually("the pool's end", within: .seconds(20)) {
            try database.run("SELECT count(*) FROM poolgate.pool_health") == "0\n"
        }
        await running.stop()
        #expect(try database.run("SELECT count(*) FROM poolgate.instances") == "0\n")
    }

    @Test("The quarantine of a gateway is in its table, with the sentence")
    func quarantineTable() async throws {
        let database = try Cluster.database()
        try database.run(
            """
            SET session_replication_role = replica;
            ALTER TABLE poolgate.tenants DROP CONSTRAINT tenants_pool_id_check;
            INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('bad.test', 'eu-west-2', 'eu-west-1_One');
            """)
        let running = try RunningDirectory(database.url, instance: "gateway-1")
        try await eventually("the row") {
            try database.run("SELECT state FROM poolgate.tenant_status WHERE host = 'bad.test'")
                == "quarantined\n"
        }
        try database.run("DELETE FROM poolgate.tenants")
        try await eventually("its end") {
            try database.run("SELECT count(*) FROM poolgate.tenant_quarantine") == "0\n"
        }
        await running.stop()
    }

    @Test("A one-shot read gives every row, those refused included; no schema, or an older one, is not read")
    func oneShot() async throws {
        let parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: [])
        let bare = try PostgresURL(Cluster.database(migrated: false).url)
        guard case .nothing = try await DirectoryReader.load(bare, parser: parser, needed: 1) else {
            Issue.record("there is a schema")
            return
        }
        let database = try Cluster.database()
        try database.insert("a.test")
        let url = try PostgresURL(database.url)
        guard case .tooOld = try await DirectoryReader.load(url, parser: parser, needed: 1_000) else {
            Issue.record("it is new enough")
            return
        }
        let read = try await DirectoryReader.load(url, parser: parser, needed: 1)
        guard case .content(let content, _) = read else {
            Issue.record("there is no content")
            return
        }
        #expect(content.count == 1)
        #expect(content.pools == [TestKeys.pool("One")])
    }
}
