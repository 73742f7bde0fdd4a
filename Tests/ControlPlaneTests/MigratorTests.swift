import ControlPlane
import Foundation
import Postgres
import TestSupport
import Testing

@Suite(.serialized) struct MigratorTests {
    private func migrations() throws -> [Migration] {
        try TemporaryPostgres.migrations().enumerated().map { index, path in
            let sql = try String(contentsOfFile: path, encoding: .utf8)
            let name = String((path as NSString).lastPathComponent.dropLast(4))
            return Migration(version: index + 1, name: name, sql: sql, checksum: "")
        }
    }

    @Test("Migrations are applied once, in order, by however many programs at a time")
    func applied() async throws {
        let database = try Cluster.database(migrated: false)
        let url = try PostgresURL(database.url)
        let migrator = Migrator(try migrations())
        async let first = migrator.migrate(url)
        async let second = migrator.migrate(url)
        let reports = [try await first, try await second]
        #expect(reports.allSatisfy { $0.version == migrator.newestVersion })
        let again = try await migrator.migrate(url)
        #expect(again.applied.isEmpty)
        let count = try database.run("SELECT count(*) FROM poolgate.migrations")
        #expect(count == "\(migrator.newestVersion)\n")
    }

    @Test("A newer schema is refused, a failing file is named")
    func refused() async throws {
        let database = try Cluster.database()
        let url = try PostgresURL(database.url)
        await #expect(throws: Migrator.Failure.self) { try await Migrator([]).migrate(url) }
        let broken = Migration(version: 1_000, name: "1000_broken", sql: "SELECT 1/0", checksum: "")
        let migrator = Migrator(try migrations() + [broken])
        do throws(Migrator.Failure) {
            _ = try await migrator.migrate(url)
            Issue.record("it was applied")
        } catch {
            #expect(error.description.contains("1000_broken"))
        }
    }
}
