import ControlPlane
import DataPlane
import Gatekeeper
import Logging
import NIOCore
import Postgres

/// The whole gateway from start to end: it opens its parts in order, serves, and closes them in the reverse order.
struct GatewayServer {
    private let settings: Settings
    private let log: LogWriter
    private let records: RecordRing
    private let events: EventHub
    private let descriptors: Int
    /// Takes the command line by which a person reaches the embedded Postgres, to be printed.
    private let announce: @Sendable (String) -> Void
    /// Who started the program and wants to hear how it is; nil where nobody does.
    private let supervisor: Supervisor?
    private let began = ContinuousClock.now

    private let feed = SnapshotFeed()
    private let counters = CountersBoard()
    private let metrics: MetricsCollector
    private let controlCounters = ControlCounters()
    private let publisher: SnapshotPublisher
    private let observe: Observe
    /// The name of the signal that asked the gateway to stop.
    private let stop = OneShot<String>()
    /// Why the gateway cannot go on.
    private let failure = OneShot<GatewayFailure>()
    private let directoryLoaded = OneShot<Void>()
    private let openedProxy = OneShot<ProxyServer>()
    private let fetcher: KeyFetcher
    private let pools: UserPools
    private let keySaver: KeySaver
    /// Reads the keys that sign assertions; nil where none is sent.
    private let signingKeys: SigningKeyWatch?
    private let state: GatewayState
    private let pageDatabase: PageDatabase
    /// Where loops leave requests whose spans are exported, and who exports them; nil where no traces are wanted.
    private let traces = RecordRing(capacity: DataPlane.Limits.traceRing)
    private let exporter: TraceExporter?

    /// A gateway that has opened nothing yet. `records` is the ring that `log` empties, `events` what it tells
    /// of refusals; `descriptors` is how many file descriptors the process may open.
    init(
        settings: Settings, log: LogWriter, records: RecordRing, events: EventHub, descriptors: Int,
        supervisor: Supervisor?,
        announce: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.log = log
        self.records = records
        self.events = events
        self.descriptors = descriptors
        self.announce = announce
        self.supervisor = supervisor
        fetcher = KeyFetcher(settings)
        metrics = MetricsCollector(counters)
        publisher = SnapshotPublisher(feed)
        let repetitions = RepetitionFilter()
        observe = { [controlCounters] observation in
            controlCounters.note(observation)
            if let line = repetitions.line(observation) { log.write(line) }
        }
        keySaver = KeySaver(observe: observe)
        pools = UserPools(
            source: fetcher.source,
            publish: { [publisher] pool, keys in publisher.publish { $0.publish(keys, for: pool) } },
            observe: observe, saver: keySaver)
        state = GatewayState(
            instance: InstanceName.make(), version: Version.current, startedAt: .now,
            isFirstPassDone: { [pools] in pools.isFirstPassDone }, pools: { [pools] in pools.statuses() },
            poolCounts: { [pools] in pools.counts }, poolTable: { [pools] in pools.statusByPool })
        signingKeys = settings.signingKeys.map { [publisher, observe] folder in
            SigningKeyWatch(
                folder: folder, issuer: settings.assertionIssuer,
                delaySeconds: settings.signingKeyDelay.components.seconds,
                publish: { keys in publisher.publish { $0.publish(assertions: keys) } }, observe: observe)
        }
        pageDatabase = PageDatabase(instance: state.instance)
        exporter = settings.tracesEndpoint.map { [traces, state] endpoint in
            TraceExporter(
                endpoint: endpoint, headers: settings.tracesHeaders,
                egress: EgressSettings(caFile: settings.caFile, proxy: nil), records: traces,
                version: state.version, instance: state.instance, log: log)
        }
    }

    /// Serves until a signal asks it to stop; throws where it cannot go on.
    func run() async throws(GatewayFailure) {
        ProcessSetup.ignoreSignals()
        let signals = await StopSignals.watch(stop)
        defer { signals.cancel() }
        log.write(
            Observer.starting(
                version: state.version, instance: state.instance, workers: settings.workers,
                descriptors: descriptors))
        let stateDirectory = try prepareStateDirectory()

        // Before the first token is verified, so that what assertions say of its caller is remembered with it.
        await signingKeys?.look()
        let signingTask = Task { await signingKeys?.run() }
        defer { signingTask.cancel() }
        let admin = makeAdmin()
        let adminTask = Task { await self.run(admin) }
        let reporter = makeReporter(admin)
        let reports = Task { await reporter?.run() }
        defer { reports.cancel() }
        let adminAddress = await self.adminAddress(admin)
        let control = ControlPlaneRunner(
            settings: settings, stateDirectory: stateDirectory, pools: pools, keySaver: keySaver,
            state: state, log: log, observe: observe,
            publish: { [publisher, directoryLoaded] directory in
                publisher.publish { $0.publish(directory: directory) }
                directoryLoaded.set(())
            },
            publishStaleness: { [publisher] instant in publisher.publish { $0.publish(staleAfter: instant) }
            },
            announce: announce, databaseFound: { [pageDatabase] in await pageDatabase.use($0) })
        let controlTask = Task { await self.run(control) }
        let stateTask = Task { await tellState() }
        defer { stateTask.cancel() }
        let metricsTask = Task { await metrics.run() }
        defer { metricsTask.cancel() }
        let exportTask = Task { await exporter?.run() }

        let proxy = await openProxy(besides: adminAddress)
        if proxy != nil {
            await reportReadiness()
            _ = await first(stop, failure)
        }
        await reporter?.reportStop(within: settings.shutdownDelay + settings.drainTimeout)
        await close(proxy, control, controlTask, admin, adminTask)
        exportTask.cancel()
        await within(Limits.partStop) { [exporter] in await exporter?.end() }
        if let failure = failure.value { throw failure }
        log.write(Observer.stopped())
    }

    // MARK: Start

    /// Makes the state directory. Without it the last good tenants cannot be saved, which is no reason not to serve; but the
    /// embedded Postgres cannot do without.
    private func prepareStateDirectory() throws(GatewayFailure) -> String? {
        do throws(EmbeddedPostgresFailure) {
            return try StateDirectory.prepare(settings.stateDirectory)
        } catch {
            guard !settings.isEmbedded else { throw GatewayFailure(description: error.description) }
            log.write(Observer.noStateDirectory(error))
            return nil
        }
    }

    private func makeAdmin() -> AdminServer {
        AdminServer(
            address: settings.adminListen,
            responder: AdminResponder(
                access: AdminAccess(token: settings.adminToken, hosts: settings.adminHosts),
                sessions: AdminSessions(), state: state, page: makePage(), events: events,
                refresh: { [pools] in await pools.refresh($0) },
                metrics: MetricsEndpoint(
                    collector: metrics, control: controlCounters, feed: feed, state: state, log: log,
                    certificateEnds: { [openedProxy] in openedProxy.value?.certificateEnds ?? [] }),
                log: log, keySet: { [feed] in feed.latest.assertions?.keySet }),
            logger: Logger(label: "admin") { [log, settings] in
                LibraryLog(label: $0, writer: log, level: settings.logLevel)
            })
    }

    /// What tells the supervisor how the gateway is; nil where there is none. The proof that the gateway works is an
    /// answer of the admin port's loop and of every loop of the proxy.
    private func makeReporter(_ admin: AdminServer) -> SupervisorReporter? {
        supervisor.map { supervisor in
            SupervisorReporter(
                supervisor: supervisor, state: state,
                proof: { [openedProxy] in
                    await admin.answer()
                    await openedProxy.value?.answer()
                })
        }
    }

    private func makePage() -> StatusPage {
        StatusPage(
            state: state, feed: feed, database: pageDatabase, refusals: events.recent, metrics: metrics,
            explainer: Explainer(settings), key: { [pools] in await pools.key($0.keyID, of: $0.pool) },
            frame: PageFrame(
                instance: state.instance, version: state.version, canSignOut: settings.adminToken != nil),
            now: { .now })
    }

    private func run(_ admin: AdminServer) async {
        do throws(AdminServer.Failure) {
            try await admin.run()
        } catch {
            failure.set(GatewayFailure(description: error.description))
        }
    }

    private func run(_ control: ControlPlaneRunner) async {
        do throws(GatewayFailure) {
            try await control.run()
        } catch {
            failure.set(error)
        }
    }

    /// Waits until the admin port is open, and returns its address; nil where a failure comes first.
    private func adminAddress(_ admin: AdminServer) async -> SocketAddress? {
        let address = await withTaskGroup(of: SocketAddress?.self) { group in
            group.addTask { await admin.boundAddress() }
            group.addTask { [failure] in
                _ = await failure.wait()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let address { note("admin", address.display) }
        return address
    }

    /// Opens the proxy as soon as the first directory is there, or without one after `Limits.directoryWait`; nil where the
    /// gateway is to stop before.
    private func openProxy(besides adminAddress: SocketAddress?) async -> ProxyServer? {
        _ = await first(directoryLoaded, stop, failure, within: Limits.directoryWait)
        guard stop.value == nil, failure.value == nil else { return nil }
        if directoryLoaded.value == nil { log.write(Observer.startingWithoutDirectory()) }
        let proxy = ProxyServer(
            settings: ProxySettings(settings, descriptors: descriptors, traces: traces), feed: feed,
            records: records,
            keys: { [pools] in await pools.key($0.keyID, of: $0.pool) }, counters: counters,
            notice: { [log] in log.write(Observer.line($0)) },
            headerNotice: { [log] in log.write(Observer.line($0)) })
        do {
            let addresses = try await proxy.start(ownListeners: adminAddress.map { [$0] } ?? [])
            openedProxy.set(proxy)
            state.change { $0.isProxyOpen = true }
            for address in addresses { note(address.listener.rawValue, address.text) }
            return proxy
        } catch {
            failure.set(GatewayFailure(description: sentence(error)))
            await proxy.shutDown(within: .zero)
            return nil
        }
    }

    /// Why the proxy could not be started, as a sentence without its full stop.
    private func sentence(_ error: any Error) -> String {
        guard case ProxyServer.Failure.cannotListen(let name, let reason) = error,
            let (flag, address) = settings.listeners.first(where: { $0.name == name })
                .map({ ($0.flag, $0.address) })
        else { return "\(error)" }
        return ListenFailure.sentence(flag, address, reason)
    }

    /// Reports an open listener to the admin port and the log.
    private func note(_ listener: String, _ address: String) {
        state.change { $0.listeners.append(BoundListener(listener: listener, address: address)) }
        log.write(Observer.listening(listener, address: address))
    }

    /// Waits until the gateway is ready, and writes that into the log.
    private func reportReadiness() async {
        while stop.value == nil, failure.value == nil {
            if state.readiness.isReady {
                log.write(Observer.ready(after: .now - began))
                return
            }
            _ = await first(stop, failure, within: Limits.readinessPause)
        }
    }

    /// Tells those who listen to `/events` when the gateway's state changes, until the task is cancelled.
    private func tellState() async {
        while (try? await Task.sleep(for: Limits.statePause)) != nil {
            if events.hasListeners { events.take(state.summary) }
        }
    }

    // MARK: Stop

    /// Closes what is open: first the proxy, since requests under way may still need keys; the database last.
    private func close(
        _ proxy: ProxyServer?, _ control: ControlPlaneRunner, _ controlTask: Task<Void, Never>,
        _ admin: AdminServer,
        _ adminTask: Task<Void, Never>
    ) async {
        state.change { $0.isStopping = true }
        await control.beginDrain()
        if let signal = stop.value {
            log.write(
                Observer.stopping(signal: signal, delay: settings.shutdownDelay, limit: settings.drainTimeout)
            )
            proxy?.leave()
            if proxy != nil { try? await Task.sleep(for: settings.shutdownDelay) }
        }
        await proxy?.shutDown(within: settings.drainTimeout)
        publisher.close()
        controlTask.cancel()
        await within(Limits.partStop) { await controlTask.value }
        await pools.stop()
        fetcher.stop()
        events.take(state.summary)
        events.end()
        await within(Limits.partStop) {
            await admin.stop()
            await adminTask.value
        }
        await pageDatabase.stop()
        await control.stopEmbedded()
    }

    /// Waits for `work`, but no longer than `limit`, after which it ends by itself.
    private func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async {
        let done = OneShot<Void>()
        Task {
            await work()
            done.set(())
        }
        _ = await done.wait(within: limit)
    }
}

/// Waits until one of the values is set, but no longer than `limit`.
private func first<each Value>(_ values: repeat OneShot<each Value>, within limit: Duration? = nil) async {
    await withTaskGroup(of: Void.self) { group in
        for value in repeat each values { group.addTask { _ = await value.wait() } }
        if let limit { group.addTask { try? await Task.sleep(for: limit) } }
        await group.next()
        group.cancelAll()
    }
}
