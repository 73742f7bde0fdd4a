import Glibc
import Postgres

/// A private Postgres under the state directory, which this gateway creates, starts, watches and stops.
///
/// Of several gateways with the same state directory, one starts it under a lock, and the others use the one that runs. The
/// gateway that started it stops it. It runs in a session of its own, so it survives a gateway that is killed; then another
/// gateway that uses it becomes the one to stop it.
actor EmbeddedPostgres {
    /// What happened, for the log.
    enum Event: Sendable {
        /// Its data were made.
        case created(folder: String, version: String)
        case started(folder: String, psql: String)
        /// It ran already. `isOurs` says whether this gateway is the one to stop it.
        case adopted(folder: String, isOurs: Bool, psql: String)
        case waitingForLock(folder: String)
        case died
        case notRestarted(EmbeddedPostgresFailure)
        case stopped
        /// It was asked to stop, and had not stopped when the gateway ended.
        case stopping
        case notStopped(reason: String)
    }

    private let stateDirectory: String
    private let searchPath: String
    private let observe: @Sendable (Event) -> Void

    /// What is known of it once it runs.
    private struct Running {
        let cluster: Cluster
        let programs: PostgresPrograms
        var postmaster: Postmaster
    }

    private var running: Running?
    /// The command line by which a person reaches it; nil before it runs.
    var psql: String? { running?.postmaster.psql }
    /// A lock that the gateway holds which is the one to stop it.
    private var ownership: FileLock?

    /// Nothing runs before `start`. `stateDirectory` is a folder that exists; `searchPath` lists folders, as PATH does, where
    /// Postgres' programs are looked for besides the usual places.
    init(stateDirectory: String, searchPath: String, observe: @escaping @Sendable (Event) -> Void) {
        self.stateDirectory = stateDirectory
        self.searchPath = searchPath
        self.observe = observe
    }

    /// Starts it, unless it runs already, and returns its URL. Data that exist are left as they are where this fails.
    func start() async throws(EmbeddedPostgresFailure) -> String {
        let lock = try await lockForStarting()
        defer { lock.release() }
        let cluster = try Cluster(stateDirectory: stateDirectory)
        let programs = try await PostgresPrograms.find(
            searchPath: searchPath, dataVersion: cluster.dataVersion())
        if let postmaster = try await runningPostmaster(of: cluster) {
            running = Running(cluster: cluster, programs: programs, postmaster: postmaster)
            if cluster.isStartedByGateway(postmaster) { ownership = ownerLock() }
            observe(.adopted(folder: cluster.data, isOurs: ownership != nil, psql: postmaster.psql))
            return postmaster.url
        }
        if cluster.dataVersion() == nil {
            try await create(cluster, programs)
        }
        let postmaster = try await launchPatiently(cluster, programs)
        running = Running(cluster: cluster, programs: programs, postmaster: postmaster)
        return postmaster.url
    }

    /// Watches it until the task is cancelled, and starts it again where it has died.
    func watch() async {
        var pause = Limits.postmasterPause
        while (try? await Task.sleep(for: pause)) != nil {
            guard let known = running, !known.cluster.isAlive(known.postmaster) else {
                pause = Limits.postmasterPause
                // The gateway that was the one to stop it may have died meanwhile.
                if let known = running, known.cluster.isStartedByGateway(known.postmaster) {
                    ownership = ownerLock()
                }
                continue
            }
            observe(.died)
            do throws(EmbeddedPostgresFailure) {
                _ = try await start()
                pause = Limits.postmasterPause
            } catch {
                guard !Task.isCancelled else { return }
                observe(.notRestarted(error))
                pause = min(pause * 2, Limits.longestPostgresRestart)
            }
        }
    }

    /// Stops it, where this gateway is the one to do so.
    func stop() async {
        guard let known = running, ownership != nil else { return }
        running = nil
        defer {
            ownership?.release()
            ownership = nil
        }
        guard known.cluster.isAlive(known.postmaster) else { return }
        // Fast shutdown (PostgreSQL documentation, "Shutting Down the Server"): sessions end, nothing is lost.
        guard kill(known.postmaster.pid, SIGINT) == 0 else {
            observe(.notStopped(reason: String(cString: strerror(errno))))
            return
        }
        let deadline = ContinuousClock.now + Limits.postgresStop
        while known.cluster.isAlive(known.postmaster) {
            guard ContinuousClock.now < deadline else {
                observe(.stopping)
                return
            }
            // In a task of its own, because the caller's may be cancelled already, in which sleeping would end at once.
            await Task.detached { try? await Task.sleep(for: Limits.postgresStopPause) }.value
        }
        observe(.stopped)
    }

    // MARK: Steps

    private func lockForStarting() async throws(EmbeddedPostgresFailure) -> FileLock {
        var isTold = false
        while true {
            switch FileLock.take("\(stateDirectory)/postgres.lock") {
            case .success(let lock?): return lock
            case .success(nil): break
            case .failure(let flaw): throw .system("the lock in \(stateDirectory)", flaw.number)
            }
            if !isTold { observe(.waitingForLock(folder: stateDirectory)) }
            isTold = true
            do { try await Task.sleep(for: Limits.postgresLockPause) } catch { throw .cancelled }
        }
    }

    /// The lock of the one to stop it; nil while another gateway has that.
    private func ownerLock() -> FileLock? {
        if let ownership { return ownership }
        guard case .success(let lock) = FileLock.take("\(stateDirectory)/postgres.owner") else { return nil }
        return lock
    }

    /// The server process that runs on the cluster's data, once it accepts connections; nil where none runs.
    private func runningPostmaster(of cluster: Cluster) async throws(EmbeddedPostgresFailure) -> Postmaster? {
        guard let first = cluster.postmaster() else { return nil }
        guard cluster.isAlive(first) else {
            // The file names a process that has ended. Postgres would not start where another program has that number now.
            cluster.removePostmasterFile()
            return nil
        }
        let deadline = ContinuousClock.now + .seconds(Limits.postgresStartSeconds)
        while let postmaster = cluster.postmaster(), cluster.isAlive(postmaster) {
            if await postmaster.acceptsConnections() { return postmaster }
            guard ContinuousClock.now < deadline else {
                throw .silent(pid: postmaster.pid, folder: cluster.data)
            }
            do { try await Task.sleep(for: Limits.postgresAnswerPause) } catch { throw .cancelled }
        }
        return nil
    }

    private func create(_ cluster: Cluster, _ programs: PostgresPrograms)
        async throws(EmbeddedPostgresFailure)
    {
        try cluster.prepareForCreation()
        let made = try await programs.run(
            "initdb",
            [
                "-D", cluster.newDataName, "-U", Postmaster.user, "-E", "UTF8", "--locale=C",
                "--auth-local=trust",
                "--auth-host=reject",
            ], in: cluster)
        guard made.isSuccess else { throw .creation(made.lastLine) }
        try cluster.adoptNewData()
        observe(.created(folder: cluster.data, version: programs.version))
    }

    /// Starts it, several times where that fails: right after a crash, processes of the old one may still be ending.
    private func launchPatiently(
        _ cluster: Cluster, _ programs: PostgresPrograms
    ) async throws(EmbeddedPostgresFailure) -> Postmaster {
        for _ in 1..<Limits.postgresLaunches {
            do throws(EmbeddedPostgresFailure) {
                return try await launch(cluster, programs)
            } catch {
                guard case .start = error else { throw error }
                do { try await Task.sleep(for: Limits.postgresLaunchPause) } catch { throw .cancelled }
            }
        }
        return try await launch(cluster, programs)
    }

    private func launch(_ cluster: Cluster, _ programs: PostgresPrograms)
        async throws(EmbeddedPostgresFailure) -> Postmaster
    {
        let folder = try cluster.prepareSocketFolder()
        cluster.markLaunch()
        let outcome: PostgresPrograms.Outcome
        do throws(EmbeddedPostgresFailure) {
            outcome = try await programs.run(
                "pg_ctl",
                [
                    "start", "-D", Cluster.dataName, "-l", Cluster.logName, "-w",
                    "-t", String(Limits.postgresStartSeconds),
                    "-o",
                    "-k \(folder) -p \(Postmaster.port) -c listen_addresses= -c unix_socket_permissions=0700",
                ], in: cluster)
        } catch {
            // The start was given up. Where Postgres has not written its process number yet, the next gateway will find it.
            if let postmaster = cluster.postmaster(), cluster.isAlive(postmaster) {
                kill(postmaster.pid, SIGINT)
            }
            throw error
        }
        guard outcome.isSuccess, let postmaster = cluster.postmaster() else {
            cluster.removeMarker()
            throw .start(cluster.lastLogLine() ?? outcome.lastLine)
        }
        ownership = ownerLock()
        cluster.mark(postmaster)
        observe(.started(folder: cluster.data, psql: postmaster.psql))
        return postmaster
    }
}
