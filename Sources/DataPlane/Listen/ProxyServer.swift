import Gatekeeper
package import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// The reverse proxy: its listeners, and the event loops that serve their connections, with a `LoopRunner` on each loop.
///
/// A class, because it is started and shut down from tasks of the program.
package final class ProxyServer: Sendable {
    private let settings: ProxySettings
    private let feed: SnapshotFeed
    private let records: RecordRing
    private let keys: KeySource
    private let counters: CountersBoard
    private let group: MultiThreadedEventLoopGroup
    private let certificates: CertificateStore?
    private let proxyHeaderRefusals: ProxyHeaderRefusals
    private let running = Mutex<Running?>(nil)

    /// What is there between start and shutdown.
    private struct Running {
        let listeners: [any Channel]
        let runners: [NIOLoopBound<LoopRunner>]
        /// Reads the certificates again as their files change; nil without TLS.
        let watch: RepeatedTask?
    }

    /// Where a listener is bound.
    package struct Address: Sendable {
        /// Which of the listeners it is.
        package let listener: ListenerName
        /// `host:port`.
        package let text: String
    }

    /// Why the proxy cannot start.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        /// The folder holds no pair of certificate and key that can be used.
        case noCertificate(folder: String)
        /// A listener could not be bound.
        case cannotListen(ListenerName, any Error)

        /// A sentence without its full stop.
        package var description: String {
            switch self {
            case .noCertificate(let folder):
                "the folder '\(folder)' holds no pair NAME.crt and NAME.key that can be used: put one there, "
                    + "both PEM, and have a look at what was said of others"
            case .cannotListen(_, let error): "\(error)"
            }
        }
    }

    /// A proxy that has opened nothing yet.
    ///
    /// It judges requests by what `feed` has, asks `keys` for keys that are missing there, and leaves what happened in
    /// `records`; `counters` asks its loops what they counted. `notice` hears of certificates, and `headerNotice` of connections that were closed for their PROXY header.
    package init(
        settings: ProxySettings, feed: SnapshotFeed, records: RecordRing, keys: @escaping KeySource,
        counters: CountersBoard = CountersBoard(),
        notice: @escaping @Sendable (CertificateNotice) -> Void = { _ in },
        headerNotice: @escaping @Sendable (ProxyHeaderNotice) -> Void = { _ in }
    ) {
        self.proxyHeaderRefusals = ProxyHeaderRefusals(notice: headerNotice)
        self.settings = settings
        self.feed = feed
        self.records = records
        self.keys = keys
        self.counters = counters
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: settings.workers)
        self.certificates = settings.tls.map {
            CertificateStore(
                folder: $0.certificateFolder,
                applicationProtocols: settings.speaksHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"], notice: notice
            )
        }
    }

    /// Binds the listeners, begins to serve, and returns the addresses that were bound, in the order of `ListenerName`. Throws `Failure`, or the system's
    /// error.
    ///
    /// Connections to upstreams at one of `ownListeners`, or at these addresses, are refused: they would lead back here.
    package func start(ownListeners: [SocketAddress] = []) async throws -> [Address] {
        let table = RunnerTable()
        if let tls = settings.tls, let certificates {
            let count = try await NIOThreadPool.singleton.runIfActive { certificates.reload() }
            guard count > 0 else { throw Failure.noCertificate(folder: tls.certificateFolder) }
        }
        var (listeners, addresses): ([any Channel], [Address]) = ([], [])
        for name in ListenerName.allCases {
            guard let endpoint = settings.endpoint(of: name) else { continue }
            let channel = try await listener(endpoint, name, table)
            listeners.append(channel)
            addresses.append(Address(listener: name, text: channel.localAddress?.display ?? ""))
        }
        let policy = UpstreamAddressPolicy(
            networks: settings.upstreamNetworks,
            ownListeners: ownListeners + listeners.compactMap(\.localAddress))
        let runners = try await startRunners(policy)
        table.fill(runners)
        let watch = certificates.map { watched($0) }
        let started = Running(listeners: listeners, runners: runners, watch: watch)
        running.withLock { $0 = started }
        for listener in listeners { try await listener.setOption(.autoRead, value: true).get() }
        return addresses
    }

    /// The certificates that clients may be shown: the name of each pair's files, and when it expires, in seconds since 1970.
    /// Empty without TLS.
    package var certificateEnds: [(name: String, seconds: Int64)] {
        certificates?.pairs.map { ($0.name, $0.validUntil) } ?? []
    }

    /// Returns once every event loop has found time for it; at once where the proxy is not started or is shut down.
    package func answer() async {
        // Asked for under the lock, since nothing may be scheduled on a loop that has ended.
        let answers = running.withLock { running in
            (running?.runners ?? []).map { $0.eventLoop.submit {} }
        }
        for answer in answers { try? await answer.get() }
    }

    /// Goes on serving, but puts `Connection: close` into every response from now on, so that load balancers take their
    /// connections elsewhere before the listeners close.
    package func leave() {
        for runner in running.withLock({ $0?.runners }) ?? [] {
            runner.eventLoop.execute { runner.value.worker.leave() }
        }
    }

    /// Accepts no new connections, waits up to `limit` for requests under way, and then closes everything.
    package func shutDown(within limit: Duration) async {
        guard let running = running.withLock({ $0.take() }) else {
            counters.close()
            try? await group.shutdownGracefully()
            return
        }
        running.watch?.cancel()
        await ListenerDrain.close(running.listeners)
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await ProxyServer.drain(running.runners) }
            tasks.addTask { try? await Task.sleep(for: limit) }
            await tasks.next()
            tasks.cancelAll()
            for runner in running.runners {
                runner.eventLoop.execute { runner.value.stop() }
            }
        }
        counters.close()
        try? await group.shutdownGracefully()
    }

    /// Waits until no loop has a request under way.
    private static func drain(_ runners: [NIOLoopBound<LoopRunner>]) async {
        let drained = runners.map { runner in runner.eventLoop.flatSubmit { runner.value.drain() } }
        await withTaskCancellationHandler {
            for runner in drained { try? await runner.get() }
        } onCancel: {
            for runner in runners { runner.eventLoop.execute { runner.value.stop() } }
        }
    }

    // MARK: Parts of the start

    private func listener(
        _ endpoint: ProxySettings.Endpoint, _ name: ListenerName, _ table: RunnerTable
    ) async throws(Failure) -> any Channel {
        do {
            return try await bind(endpoint, name, table)
        } catch {
            throw .cannotListen(name, error)
        }
    }

    private func bind(
        _ endpoint: ProxySettings.Endpoint, _ name: ListenerName, _ table: RunnerTable
    ) async throws -> any Channel {
        let address = try SocketAddress.makeAddressResolvingHost(endpoint.host, port: endpoint.port)
        let (surface, certificates) = (name.surface, name == .tls ? certificates : nil)
        let expectsProxyHeader = settings.expectsProxyHeader && surface == .proxy
        let refusals = proxyHeaderRefusals
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Limits.acceptBacklog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: Limits.readsPerTurn)
            .childChannelOption(.recvAllocator, value: Limits.readBuffers)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.writeLowWaterBytes, high: Limits.writeHighWaterBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let runner = table.runner(of: channel.eventLoop) else {
                        throw ChannelError.alreadyClosed
                    }
                    let client = runner.connection(channel, surface, isTLS: certificates != nil)
                    let pipeline = channel.pipeline.syncOperations
                    if expectsProxyHeader { try pipeline.addHandler(ProxyHeaderHandler(refusals: refusals)) }
                    if let certificates {
                        try pipeline.addHandler(ProxyServer.serverName(certificates, client))
                    }
                    try pipeline.addHandler(client)
                }
            }
            .bind(to: address).get()
    }

    /// A handler that reads the host name in a client's TLS handshake (SNI, RFC 6066 §3), and lets the connection speak TLS
    /// with the certificate for that name.
    private static func serverName(
        _ certificates: CertificateStore, _ client: HTTP1ClientConnection
    ) -> ByteToMessageHandler<SNIHandler> {
        let bound = NIOLoopBound(client, eventLoop: client.worker.loop)
        let handler = SNIHandler { result in
            let client = bound.value
            let name: String? = if case .hostname(let name) = result { name } else { nil }
            let address = client.channel.localAddress.flatMap(AddressRange.bytes)
            return client.worker.loop.makeCompletedFuture {
                guard let pair = certificates.pair(for: name, address: address) else {
                    throw ChannelError.alreadyClosed
                }
                client.peer.certificate = CertificateInUse(pair.names, serverName: name, address: address)
                try client.channel.pipeline.syncOperations.addHandler(
                    NIOSSLServerHandler(context: pair.context), position: .before(client))
            }
        }
        return ByteToMessageHandler(handler, maximumBufferSize: Limits.clientHelloBytes)
    }

    private func watched(_ certificates: CertificateStore) -> RepeatedTask {
        let loop = group.next()
        return loop.scheduleRepeatedAsyncTask(
            initialDelay: Limits.certificatePause, delay: Limits.certificatePause
        ) { _ in
            NIOThreadPool.singleton.runIfActive(eventLoop: loop) { _ = certificates.reload() }
        }
    }

    private func startRunners(_ policy: UpstreamAddressPolicy) async throws -> [NIOLoopBound<LoopRunner>] {
        let shared = Worker.Shared(
            settings: settings, keys: keys, records: records, resolver: UpstreamResolver(policy: policy),
            authorities: UpstreamAuthorities(folder: settings.upstreamAuthorities),
            census: ConnectionCensus(
                limit: settings.maxConnections, addressLimit: settings.maxConnectionsPerAddress), feed: feed,
            pseudonym: Array("poolgate-\(RequestID.random().description.prefix(12))".utf8),
            proxyHeaderRefusals: proxyHeaderRefusals)
        var runners: [NIOLoopBound<LoopRunner>] = []
        for loop in group.makeIterator() {
            let runner = try await loop.flatSubmit {
                let runner = NIOLoopBound(LoopRunner(loop: loop, shared: shared), eventLoop: loop)
                return runner.value.start().map { runner }
            }.get()
            runners.append(runner)
            counters.add(loop) { runner.value.read() }
        }
        return runners
    }
}

/// Which runner belongs to which loop. A class, because every listener's connections look it up; it is filled once, before
/// the first connection is accepted.
private final class RunnerTable: Sendable {
    private let runners = Mutex<[NIOLoopBound<LoopRunner>]>([])

    func fill(_ runners: [NIOLoopBound<LoopRunner>]) {
        self.runners.withLock { $0 = runners }
    }

    func runner(of loop: any EventLoop) -> LoopRunner? {
        runners.withLock { runners in runners.first { $0.eventLoop === loop } }?.value
    }
}

extension SocketAddress {
    /// `host:port`, an IPv6 host in brackets.
    package var display: String {
        let host = ipAddress ?? "unknown"
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port ?? 0)" : "\(host):\(port ?? 0)"
    }
}
