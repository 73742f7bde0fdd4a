import ControlPlane
import Gatekeeper
import Postgres

/// Runs the control plane: the embedded Postgres where there is one, the tenant directory, and the health that is written
/// into the database.
actor ControlPlaneRunner {
    private let settings: Settings
    private let stateDirectory: String?
    private let pools: UserPools
    private let keySaver: KeySaver
    private let state: GatewayState
    private let log: LogWriter
    private let observe: Observe
    private let publish: @Sendable (Directory) -> Void
    private let publishStaleness: @Sendable (Instant) -> Void
    private let announce: @Sendable (String) -> Void
    private let databaseFound: @Sendable (PostgresURL) async -> Void
    /// The private Postgres, once it was asked for.
    private var embedded: EmbeddedPostgres?
    private var health: HealthWriter?

    init(
        settings: Settings, stateDirectory: String?, pools: UserPools, keySaver: KeySaver,
        state: GatewayState, log: LogWriter,
        observe: @escaping Observe,
        publish: @escaping @Sendable (Directory) -> Void,
        publishStaleness: @escaping @Sendable (Instant) -> Void,
        announce: @escaping @Sendable (String) -> Void,
        databaseFound: @escaping @Sendable (PostgresURL) async -> Void
    ) {
        self.settings = settings
        self.stateDirectory = stateDirectory
        self.pools = pools
        self.keySaver = keySaver
        self.state = state
        self.log = log
        self.observe = observe
        self.publish = publish
        self.publishStaleness = publishStaleness
        self.announce = announce
        self.databaseFound = databaseFound
    }

    /// Runs until the task is cancelled. Throws where there is no database and none can be expected.
    func run() async throws(GatewayFailure) {
        guard let url = try await databaseURL() else { return }
        await databaseFound(url)
        let health = HealthWriter(
            url: url, instance: state.instance, hostName: InstanceName.hostName, version: state.version,
            startedAt: state.startedAt, pools: pools, observe: observe)
        self.health = health
        let directory = TenantDirectory(
            settings: TenantDirectory.Settings(
                url: url, parser: TenantParser(settings), schemaVersion: Schema.migrator.newestVersion,
                savedRowsFile: stateDirectory.map { StateFile.tenants(in: $0) }),
            pools: pools,
            outlet: TenantDirectory.Outlet(
                publish: publish,
                report: { [state, settings, publishStaleness] status in
                    state.note(status)
                    health.note(status)
                    if let bound = settings.maxStaleness, let confirmed = status.confirmedAt {
                        publishStaleness(confirmed.advanced(by: bound))
                    }
                }, observe: observe))
        if let stateDirectory { await keySaver.load(from: stateDirectory) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [keySaver] in await keySaver.run() }
            group.addTask { await directory.run() }
            group.addTask { await health.run() }
            if let embedded { group.addTask { await embedded.watch() } }
        }
    }

    /// Tells the database that the gateway was asked to stop.
    func beginDrain() {
        health?.noteDrain()
    }

    /// Stops the embedded Postgres, where there is one and this gateway is the one to stop it.
    func stopEmbedded() async {
        await embedded?.stop()
    }

    /// The database's URL, after the embedded Postgres was started and migrated where it is wanted; nil where the task was
    /// cancelled meanwhile.
    private func databaseURL() async throws(GatewayFailure) -> PostgresURL? {
        guard settings.isEmbedded, let stateDirectory else { return settings.databaseURL }
        let embedded = EmbeddedPostgres(
            stateDirectory: stateDirectory, searchPath: SettingsReader.searchPath,
            observe: { [log] in log.write(Observer.line($0)) })
        self.embedded = embedded
        do {
            let url = try PostgresURL(try await embedded.start())
            try await migrate(url)
            if let psql = await embedded.psql { announce(psql) }
            return url
        } catch EmbeddedPostgresFailure.cancelled {
            return nil
        } catch {
            throw GatewayFailure(description: "\(error)")
        }
    }

    private func migrate(_ url: PostgresURL) async throws {
        do throws(Migrator.Failure) {
            for line in Observer.migrated(try await Schema.migrator.migrate(url)) { log.write(line) }
        } catch {
            // A newer version of the program has migrated the database. The directory reports that, and serves.
            guard case .newerSchema = error else { throw error }
        }
    }
}

extension GatewayState {
    /// Takes the directory's latest status, and the time when it was loaded first.
    func note(_ status: DirectoryStatus) {
        change { values in
            values.directory = status
            if status.source != nil, values.loadedAt == nil { values.loadedAt = .now }
        }
    }
}

extension Instant {
    /// This instant moved by a time, in whole milliseconds; `distantFuture` where that is too far.
    func advanced(by time: Duration) -> Instant {
        let (step, overflow) = Int64(time.milliseconds).multipliedReportingOverflow(by: 1_000_000)
        let (sum, exceeded) = nanoseconds.addingReportingOverflow(step)
        return overflow || exceeded ? .distantFuture : Instant(nanoseconds: sum)
    }
}
