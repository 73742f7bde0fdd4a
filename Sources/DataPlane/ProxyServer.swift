import Gatekeeper
package import NIOCore
import NIOPosix
import Synchronization

/// The reverse proxy: a listener whose connections are spread over event loops, a worker on each.
///
/// A class, because it is started and shut down from tasks of the program.
package final class ProxyServer: Sendable {
    private let settings: ProxySettings
    private let feed: SnapshotFeed
    private let records: RecordRing
    private let keys: KeySource
    private let group: MultiThreadedEventLoopGroup
    private let running = Mutex<Running?>(nil)

    private struct Running {
        let listener: any Channel
        let workers: [NIOLoopBound<Worker>]
    }

    /// Takes what holds from `feed`, asks `keys` for what is missing, notes what happened in `records`.
    package init(settings: ProxySettings, feed: SnapshotFeed, records: RecordRing, keys: @escaping KeySource)
    {
        self.settings = settings
        self.feed = feed
        self.records = records
        self.keys = keys
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: settings.workers)
    }

    /// Binds the listener and serves; answers with the address that was bound, as `host:port`.
    ///
    /// Upstreams that resolve to one of `ownListeners` or to this one are refused. Throws what the system said.
    package func start(ownListeners: [SocketAddress] = []) async throws -> String {
        let address = try SocketAddress.makeAddressResolvingHost(
            settings.listenHost, port: settings.listenPort)
        let table = WorkerTable()
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.writeLowWaterBytes, high: Limits.writeHighWaterBytes)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let worker = table.worker(of: channel.eventLoop) else {
                        throw ChannelError.alreadyClosed
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        ClientConnection(channel: channel, worker: worker))
                }
            }
            .bind(to: address).get()
        let bound = listener.localAddress ?? address
        let policy = UpstreamAddressPolicy(
            networks: settings.upstreamNetworks, ownListeners: ownListeners + [bound])
        let workers = try await startWorkers(policy)
        table.fill(workers)
        running.withLock { $0 = Running(listener: listener, workers: workers) }
        try await listener.setOption(.autoRead, value: true).get()
        return bound.display
    }

    /// Accepts no more, lets what is under way finish within `limit`, then closes everything.
    package func shutDown(within limit: Duration) async {
        guard let running = running.withLock({ $0.take() }) else {
            try? await group.shutdownGracefully()
            return
        }
        try? await running.listener.close()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await ProxyServer.drain(running.workers) }
            tasks.addTask { try? await Task.sleep(for: limit) }
            await tasks.next()
            tasks.cancelAll()
            for worker in running.workers {
                worker.eventLoop.execute { worker.value.stop() }
            }
        }
        try? await group.shutdownGracefully()
    }

    private static func drain(_ workers: [NIOLoopBound<Worker>]) async {
        for worker in workers {
            let drained = worker.eventLoop.flatSubmit { worker.value.drain() }
            _ = await withTaskCancellationHandler {
                try? await drained.get()
            } onCancel: {
                worker.eventLoop.execute { worker.value.stop() }
            }
        }
    }

    private func startWorkers(_ policy: UpstreamAddressPolicy) async throws -> [NIOLoopBound<Worker>] {
        let (settings, keys, records, feed) = (settings, keys, records, feed)
        let pseudonym = Array("poolgate-\(RequestID.random().description.prefix(12))".utf8)
        var workers: [NIOLoopBound<Worker>] = []
        for loop in group.makeIterator() {
            let worker = try await loop.submit {
                let worker = Worker(
                    loop: loop, settings: settings, keys: keys, records: records,
                    resolver: UpstreamResolver(policy: policy), feed: feed, pseudonym: pseudonym)
                worker.start()
                return NIOLoopBound(worker, eventLoop: loop)
            }.get()
            workers.append(worker)
        }
        return workers
    }
}

/// Which worker belongs to which loop; filled once, before the first connection is accepted.
private final class WorkerTable: Sendable {
    private let workers = Mutex<[NIOLoopBound<Worker>]>([])

    func fill(_ workers: [NIOLoopBound<Worker>]) {
        self.workers.withLock { $0 = workers }
    }

    func worker(of loop: any EventLoop) -> Worker? {
        workers.withLock { workers in workers.first { $0.eventLoop === loop } }?.value
    }
}

extension SocketAddress {
    /// `host:port`, an IPv6 host in brackets.
    package var display: String {
        let host = ipAddress ?? "unknown"
        return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port ?? 0)" : "\(host):\(port ?? 0)"
    }
}
