import Glibc
import Postgres

/// A private Postgres under the state directory: made, started, adopted, watched and stopped.
///
/// Starting happens under a lock on the state directory, so that of two gateways one starts it and the other adopts it.
/// Whoever started it stops it; where that gateway died, the one that adopts it next takes over, so that nothing is left
/// running. It runs in a session of its own and survives a gateway that is killed.
actor EmbeddedPostgres {
    /// What happened, for the log.
    enum Event: Sendable {
        case created(folder: String, version: String)
        case started(folder: String, psql: String)
        /// It ran already; `isOurs` says whether this gateway will stop it.
        case adopted(folder: String, isOurs: Bool, psql: String)
        case waitingForLock(folder: String)
        case died
        case notRestarted(EmbeddedPostgresFailure)
        case stopped
        /// It was asked to stop and takes its time.
        case stopping
        case notStopped(reason: String)
    }

    private let stateDirectory: String
    private let searchPath: String
    private let observe: @Sendable (Event) -> Void

    /// What is known once it runs.
    private struct Running {
        let cluster: Cluster
        let programs: PostgresPrograms
        var postmaster: Postmaster
    }

    private var running: Running?
    /// The line by which a person reaches it; nil before it runs.
    var psql: String? { running?.postmaster.psql }
    /// Held from the moment this gateway is the one to stop it.
    private var ownership: FileLock?

    /// Runs below `stateDirectory`, an existing folder, with the programs found in the usual places and in `searchPath`.
    init(stateDirectory: String, searchPath: String, observe: @escaping @Sendable (Event) -> Void) {
        self.stateDirectory = stateDirectory
        self.searchPath = searchPath
        self.observe = observe
    }

    /// Starts or adopts it and answers with its URL; throws a sentence where it cannot run, and has then touched nothing.
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

    /// Looks after it until the task is cancelled: where it died, it is started again.
    func watch() async {
        var pause = Limits.postmasterPause
        while (try? await Task.sleep(for: pause)) != nil {
            guard let known = running, !known.cluster.isAlive(known.postmaster) else {
                pause = Limits.postmasterPause
                // The gateway that started it may have died meanwhile.
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

    /// Stops it where this gateway is the one to do so.
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
            // The caller's task may be cancelled already, which must not turn this into a busy loop.
            await Task.detached { try? await Task.sleep(for: .milliseconds(10)) }.value
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
            do { try await Task.sleep(for: .milliseconds(50)) } catch { throw .cancelled }
        }
    }

    /// The right to stop it; nil while another gateway that lives has it.
    private func ownerLock() -> FileLock? {
        if let ownership { return ownership }
        guard case .success(let lock) = FileLock.take("\(stateDirectory)/postgres.owner") else { return nil }
        return lock
    }

    /// The postmaster that runs on the cluster's data, once it answers; nil where none runs.
    private func runningPostmaster(of cluster: Cluster) async throws(EmbeddedPostgresFailure) -> Postmaster? {
        guard let first = cluster.postmaster() else { return nil }
        guard cluster.isAlive(first) else {
            // Its process number may belong to another program by now, which would keep Postgres from starting.
            cluster.removePostmasterFile()
            return nil
        }
        let deadline = ContinuousClock.now + .seconds(Limits.postgresStartSeconds)
        while let postmaster = cluster.postmaster(), cluster.isAlive(postmaster) {
            if await postmaster.answers() { return postmaster }
            guard ContinuousClock.now < deadline else {
                throw .silent(pid: postmaster.pid, folder: cluster.data)
            }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { throw .cancelled }
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

    /// Right after a crash, what is left of the old one may still be ending.
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
            // Nobody waits for it any more. Where it has not yet written its number, the next gateway takes it over.
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
