import Gatekeeper
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// Opens connections to one upstream: resolves its name, tries its addresses, speaks TLS where it is asked to.
///
/// A class, because the addresses found serve every connection that follows.
final class UpstreamConnector {
    private let upstream: Upstream
    private let worker: Worker
    private var addresses: [SocketAddress] = []
    private var addressesUntil: UInt32 = 0
    /// Grows with each change of the addresses.
    private var generation: UInt32 = 0
    private var isResolving = false
    private var nextAddress = 0

    init(upstream: Upstream, worker: Worker) {
        self.upstream = upstream
        self.worker = worker
    }

    /// Whether a connection leads to what is still one of the upstream's addresses; looked at closely only after they
    /// have changed.
    func isCurrent(_ connection: UpstreamConnection) -> Bool {
        if connection.addressGeneration == generation { return true }
        guard let remote = connection.channel.remoteAddress, addresses.contains(remote) else { return false }
        connection.addressGeneration = generation
        return true
    }

    /// A channel whose `UpstreamConnection` belongs to `pool`, ready for a request; fails with what `fault`
    /// understands.
    func connect(to pool: UpstreamPool) -> EventLoopFuture<any Channel> {
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        let boundPool = NIOLoopBound(pool, eventLoop: worker.loop)
        return context().flatMap { context in
            bound.value.resolved().flatMap { addresses in
                let connector = bound.value
                connector.nextAddress = (connector.nextAddress + 1) % addresses.count
                return connector.open(addresses, connector.nextAddress, 0, boundPool, context)
            }
        }.flatMap { channel in
            UpstreamConnector.secured(channel)
        }
    }

    /// What went wrong, as a client's refusal names it.
    static func fault(_ error: any Error) -> UpstreamFault {
        switch error {
        case UpstreamResolver.Failure.forbidden: .forbidden
        case is UpstreamResolver.Failure: .unreachable
        case ChannelError.connectTimeout: .connectTimeout
        case let error as IOError where error.errnoCode == ECONNREFUSED: .refused
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError, is UpstreamAuthorities.Failure,
            is UpstreamConnection.HandshakeFailure:
            .tlsFailed
        default: .unreachable
        }
    }

    // MARK: Addresses

    /// The addresses known, looked up again behind the back of requests once they are old; the last good ones stay
    /// in use where that fails.
    private func resolved() -> EventLoopFuture<[SocketAddress]> {
        guard !addresses.isEmpty else { return resolve() }
        keepCurrent()
        return worker.loop.makeSucceededFuture(addresses)
    }

    /// Looks the name up again where its addresses are old, for connections that are used over and over.
    func keepCurrent() {
        guard !addresses.isEmpty, worker.tick >= addressesUntil, !isResolving else { return }
        _ = resolve()
    }

    private func resolve() -> EventLoopFuture<[SocketAddress]> {
        isResolving = true
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        let answer = worker.resolver.addresses(of: upstream.origin, on: worker.loop)
        answer.whenComplete { result in
            let connector = bound.value
            connector.isResolving = false
            connector.addressesUntil = connector.worker.tick &+ Limits.resolutionTicks
            guard case .success(let addresses) = result, addresses != connector.addresses else { return }
            connector.addresses = addresses
            connector.generation &+= 1
        }
        return answer
    }

    // MARK: Connecting

    private func context() -> EventLoopFuture<NIOSSLContext?> {
        guard upstream.origin.scheme == .https else { return worker.loop.makeSucceededFuture(nil) }
        return worker.authorities.context(for: upstream.authority, on: worker.loop).map { $0 }
    }

    /// Tries each address once, beginning with another one each time.
    private func open(
        _ addresses: [SocketAddress], _ first: Int, _ tried: Int, _ pool: NIOLoopBound<UpstreamPool>,
        _ context: NIOSSLContext?
    ) -> EventLoopFuture<any Channel> {
        let attempt = bootstrap(pool, context).connect(to: addresses[(first + tried) % addresses.count])
        guard tried + 1 < addresses.count else { return attempt }
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        return attempt.flatMapError { _ in
            bound.value.open(addresses, first, tried + 1, pool, context)
        }
    }

    private func bootstrap(_ pool: NIOLoopBound<UpstreamPool>, _ context: NIOSSLContext?) -> ClientBootstrap {
        let worker = NIOLoopBound(worker, eventLoop: worker.loop)
        let name = serverName
        return ClientBootstrap(group: self.worker.loop)
            .connectTimeout(Limits.upstreamConnect)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_rcvbuf), value: .init(Limits.upstreamReceiveBytes))
            .channelOption(.maxMessagesPerRead, value: Limits.readsPerTurn)
            .channelOption(.recvAllocator, value: Limits.readBuffers)
            .channelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.writeLowWaterBytes, high: Limits.writeHighWaterBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: name))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        UpstreamConnection(channel: channel, pool: pool.value, worker: worker.value))
                }
            }
    }

    /// The name to ask for; nil for an address, which SNI cannot hold (RFC 6066 §3).
    private var serverName: String? {
        let isAddress = (try? SocketAddress(ipAddress: upstream.origin.host, port: 0)) != nil
        return isAddress ? nil : upstream.origin.host
    }

    /// An open channel once its handshake is done; at once where it speaks in clear.
    private static func secured(_ channel: any Channel) -> EventLoopFuture<any Channel> {
        do {
            let connection = try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self)
            return connection.secured().map { channel }
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }
}
