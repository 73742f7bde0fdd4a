import ControlPlane
import Foundation
import Gatekeeper
import Postgres
import Synchronization
import TestSupport

/// A directory that runs against a database, and a record of what it made.
final class RunningDirectory: Sendable {
    private struct State {
        var directory: Directory?
        var status = DirectoryStatus()
        var observations: [Observation] = []
        var publications = 0
    }

    /// A class, because closures hold it before the directory runs.
    private final class Record: Sendable {
        let state = Mutex(State())
    }

    private let record = Record()
    private let task = Mutex<Task<Void, Never>?>(nil)
    let pools: UserPools
    let endpoint = FakeEndpoint()
    let health: HealthWriter?

    init(_ url: String, schemaVersion: Int = 1, folder: String? = nil, instance: String? = nil) throws {
        let pools = UserPools(source: endpoint.source, publish: endpoint.publish)
        self.pools = pools
        let parsed = try PostgresURL(url)
        let health = instance.map {
            HealthWriter(
                url: parsed, instance: $0, hostName: "test", version: "0", startedAt: Instant(seconds: 1),
                pools: pools)
        }
        self.health = health
        let parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: [])
        let directory = TenantDirectory(
            settings: TenantDirectory.Settings(
                url: parsed, parser: parser, schemaVersion: schemaVersion,
                savedRowsFile: folder.map { StateFile.tenants(in: $0) }),
            pools: pools,
            outlet: TenantDirectory.Outlet(
                publish: { [record] directory in
                    record.state.withLock {
                        $0.directory = directory
                        $0.publications += 1
                    }
                },
                report: { [record, health] status in
                    record.state.withLock { $0.status = status }
                    health?.note(status)
                },
                observe: { [record] observation in
                    record.state.withLock { $0.observations.append(observation) }
                }))
        task.withLock {
            $0 = Task {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await directory.run() }
                    if let health { group.addTask { await health.run() } }
                }
            }
        }
    }

    deinit { task.withLock { $0?.cancel() } }

    var status: DirectoryStatus { record.state.withLock { $0.status } }
    var publications: Int { record.state.withLock { $0.publications } }
    var directory: Directory? { record.state.withLock { $0.directory } }
    var observations: [Observation] { record.state.withLock { $0.observations } }

    func tenant(_ host: String) -> Tenant? {
        HostPattern(host).flatMap { directory?[$0]?.tenant }
    }

    func sawObservation(_ matches: (Observation) -> Bool) -> Bool { observations.contains(where: matches) }

    /// Ends it, and waits until it is over.
    func stop() async {
        let task = task.withLock { $0 }
        task?.cancel()
        await task?.value
        await pools.stop()
    }
}

/// One cluster for the suite; each test has a database of its own.
final class Cluster: Sendable {
    static let shared = Result { try Cluster() }
    let postgres: TemporaryPostgres
    private let count = Mutex(0)

    private init() throws { postgres = try TemporaryPostgres() }

    static func database(migrated: Bool = true) throws -> TestDatabase {
        let cluster = try shared.get()
        let number = cluster.count.withLock { count in
            count += 1
            return count
        }
        let name = "directory\(number)"
        let url = try cluster.postgres.createDatabase(name)
        if migrated { try cluster.postgres.apply(files: TemporaryPostgres.migrations(), database: name) }
        return TestDatabase(name: name, url: url, postgres: cluster.postgres)
    }
}

struct TestDatabase {
    let name: String
    let url: String
    let postgres: TemporaryPostgres

    @discardableResult
    func run(_ sql: String) throws -> String { try postgres.psql(sql, database: name) }

    func insert(_ host: String, pool: String = "eu-west-1_One") throws {
        try run(
            "INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('\(host)', 'eu-west-1', '\(pool)')")
    }
}
