import Gatekeeper
import NIOCore
import NIOPosix

/// One loop's connections to one origin: idle ones are used again, newest first.
///
/// A class, because its connections return to it. It belongs to an origin, never to a tenant.
final class UpstreamPool {
    private let origin: Origin
    private let worker: Worker
    private var idle: [UpstreamConnection] = []
    private var resolved: [SocketAddress] = []
    private var resolvedUntil: UInt32 = 0
    private var nextAddress = 0
    private var connecting = 0
    private var lastUse: UInt32 = 0

    init(origin: Origin, worker: Worker) {
        self.origin = origin
        self.worker = worker
    }

    /// Whether nothing would be lost by forgetting this pool.
    var isUnused: Bool {
        idle.isEmpty && connecting == 0 && worker.tick &- lastUse > Limits.upstreamIdleTicks
    }

    /// The idle connection used last, taken out of the pool.
    func takeIdle() -> UpstreamConnection? {
        lastUse = worker.tick
        while let connection = idle.popLast() {
            if connection.isOpen { return connection }
        }
        return nil
    }

    /// Opens a connection for `client`, which hears of its success or failure on the loop.
    func connect(for client: ClientConnection) {
        lastUse = worker.tick
        connecting += 1
        let loop = worker.loop
        guard origin.scheme == .http else {
            // Behind the checks of rows and settings: never in clear to a place that was named as encrypted.
            connecting -= 1
            client.upstreamFailed(.forbidden)
            return
        }
        let bound = NIOLoopBound((self, client), eventLoop: loop)
        addresses().flatMap { addresses in
            let (pool, _) = bound.value
            pool.nextAddress &+= 1
            return pool.open(addresses, from: Int(truncatingIfNeeded: UInt(bitPattern: pool.nextAddress)))
        }.whenComplete { result in
            let (pool, client) = bound.value
            pool.connecting -= 1
            switch result {
            case .success(let channel):
                guard
                    let connection = try? channel.pipeline.syncOperations.handler(
                        type: UpstreamConnection.self)
                else {
                    channel.close(promise: nil)
                    client.upstreamFailed(.unreachable)
                    return
                }
                client.upstreamConnected(connection)
            case .failure(let error): client.upstreamFailed(UpstreamPool.fault(error))
            }
        }
    }

    /// Keeps a connection for the next request until `untilTick`.
    func release(_ connection: UpstreamConnection) {
        guard connection.isOpen, !worker.isDraining else {
            connection.close()
            return
        }
        idle.append(connection)
        if idle.count > worker.idleUpstreamLimit { idle.removeFirst().close() }
    }

    /// Forgets a connection that closed while idle.
    func lost(_ connection: UpstreamConnection) {
        idle.removeAll { $0 === connection }
    }

    func turn(_ tick: UInt32) {
        while let oldest = idle.first(where: { tick >= $0.idleUntil }) {
            lost(oldest)
            oldest.close()
        }
    }

    func closeIdle() {
        let connections = idle
        idle = []
        for connection in connections { connection.close() }
    }

    // MARK: Connecting

    private func addresses() -> EventLoopFuture<[SocketAddress]> {
        if !resolved.isEmpty, worker.tick < resolvedUntil {
            return worker.loop.makeSucceededFuture(resolved)
        }
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        return worker.resolver.addresses(of: origin, on: worker.loop).map { addresses in
            let pool = bound.value
            pool.resolved = addresses
            pool.resolvedUntil = pool.worker.tick &+ Limits.resolutionTicks
            return addresses
        }
    }

    /// Tries each address once, beginning with another one each time.
    private func open(_ addresses: [SocketAddress], from first: Int, tried: Int = 0) -> EventLoopFuture<
        any Channel
    > {
        let address = addresses[(first + tried) % addresses.count]
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        let attempt = ClientBootstrap(group: worker.loop)
            .connectTimeout(Limits.upstreamConnect)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.writeLowWaterBytes, high: Limits.writeHighWaterBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pool = bound.value
                    try channel.pipeline.syncOperations.addHandler(
                        UpstreamConnection(channel: channel, pool: pool, worker: pool.worker))
                }
            }
            .connect(to: address)
        guard tried + 1 < addresses.count else { return attempt }
        return attempt.flatMapError { _ in
            bound.value.open(addresses, from: first, tried: tried + 1)
        }
    }

    private static func fault(_ error: any Error) -> UpstreamFault {
        switch error {
        case UpstreamResolver.Failure.forbidden: .forbidden
        case is UpstreamResolver.Failure: .unreachable
        case ChannelError.connectTimeout: .connectTimeout
        case let error as IOError where error.errnoCode == ECONNREFUSED: .refused
        default: .unreachable
        }
    }
}
