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
    private var resolution: Preparation<[SocketAddress]>?
    private var authority: Preparation<NIOSSLContext>?
    private var nextAddress = 0

    /// What is being found out for all who wait for it, and until when they do.
    private struct Preparation<Value: Sendable> {
        let result: EventLoopFuture<Value>
        /// The tenant whose request asked for it last.
        var tenant: HostPattern?
        let deadline = NIODeadline.now() + Limits.upstreamPreparation

        /// Fails at the deadline; at once for whoever comes later.
        var inTime: EventLoopFuture<Value> { result.within(deadline - .now()) }
    }

    init(upstream: Upstream, worker: Worker) {
        self.upstream = upstream
        self.worker = worker
    }

    /// Whether a connection leads to what is still one of the upstream's addresses; looked at closely only after they
    /// have changed.
    func isCurrent(_ connection: any UpstreamLink) -> Bool {
        if connection.place.addressGeneration == generation { return true }
        guard let remote = connection.remoteAddress, addresses.contains(remote) else { return false }
        connection.place.addressGeneration = generation
        return true
    }

    /// Makes the wire of a new channel.
    typealias WireMaker = @Sendable (any Channel) -> any UpstreamLink & ChannelHandler
    /// A wire on its way to the loop that it belongs to.
    private typealias Wire = NIOLoopBound<any UpstreamLink>

    /// A connection whose wire `makeWire` makes, ready for a request of `tenant`; fails with what `fault` understands. Each
    /// of its three steps has a clock: addresses and what verifies them, connecting, the handshake.
    func connect(
        for tenant: HostPattern, _ makeWire: @escaping WireMaker
    ) -> EventLoopFuture<NIOLoopBound<any UpstreamLink>> {
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        return context(for: tenant).and(resolved(for: tenant)).flatMap { context, addresses in
            let connector = bound.value
            connector.nextAddress = (connector.nextAddress + 1) % addresses.count
            let attempts = Attempts(addresses, first: connector.nextAddress)
            return connector.open(attempts, makeWire, context)
        }.flatMap { wire in
            wire.value.secured().map { @Sendable (_: Void) in wire }
        }
    }

    /// What went wrong, as a client's refusal names it.
    static func fault(_ error: any Error) -> UpstreamFault {
        switch error {
        case UpstreamResolver.Failure.forbidden: .forbidden
        case is UpstreamResolver.Failure: .unreachable
        case ChannelError.connectTimeout, is BlockingWorkFailure: .connectTimeout
        case let error as IOError where error.errnoCode == ECONNREFUSED: .refused
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError, is UpstreamAuthorities.Failure,
            is HandshakeFailure:
            .tlsFailed
        case is NoHTTP2: .badResponse
        default: .unreachable
        }
    }

    // MARK: Addresses

    /// The addresses known, looked up again behind the back of requests once they are old; the last good ones stay
    /// in use where that fails.
    private func resolved(for tenant: HostPattern) -> EventLoopFuture<[SocketAddress]> {
        guard addresses.isEmpty else {
            keepCurrent()
            return worker.loop.makeSucceededFuture(addresses)
        }
        guard let resolution else { return resolve(for: tenant).inTime }
        if resolution.tenant != tenant {
            // It counts for this tenant, too, which must not wait for another's share of the threads.
            self.resolution?.tenant = tenant
            _ = worker.resolver.addresses(of: upstream.origin, for: tenant, on: worker.loop)
        }
        return resolution.inTime
    }

    /// Looks the name up again where its addresses are old, for connections that are used over and over.
    func keepCurrent() {
        guard !addresses.isEmpty, worker.clock.tick >= addressesUntil, resolution == nil else { return }
        _ = resolve(for: nil)
    }

    /// Finds the addresses, which stay here also where nobody waits for them any longer.
    private func resolve(for tenant: HostPattern?) -> Preparation<[SocketAddress]> {
        let asked = Preparation(
            result: worker.resolver.addresses(of: upstream.origin, for: tenant, on: worker.loop),
            tenant: tenant)
        resolution = asked
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        asked.result.whenComplete { result in
            let connector = bound.value
            connector.resolution = nil
            connector.addressesUntil = connector.worker.clock.tick &+ Limits.resolutionTicks
            guard case .success(let addresses) = result, addresses != connector.addresses else { return }
            connector.addresses = addresses
            connector.generation &+= 1
        }
        return asked
    }

    // MARK: Connecting

    private func context(for tenant: HostPattern) -> EventLoopFuture<NIOSSLContext?> {
        guard upstream.origin.scheme.isSecure else { return worker.loop.makeSucceededFuture(nil) }
        if let authority { return authority.inTime.map { $0 } }
        let asked = Preparation(
            result: worker.authorities.context(
                .init(name: upstream.authority, isHTTP2: upstream.origin.scheme.isHTTP2), tenant: tenant,
                on: worker.loop))
        authority = asked
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        asked.result.whenComplete { _ in bound.value.authority = nil }
        return asked.inTime.map { $0 }
    }

    /// The addresses that are tried for one connection, each once, beginning with another one each time.
    private struct Attempts {
        private let addresses: [SocketAddress]
        private let first: Int
        private var tried = 0
        private let deadline = NIODeadline.now() + Limits.upstreamConnect
        /// All of them share the time for connecting, so that one that is dead leaves some to the next.
        let time: TimeAmount

        init(_ addresses: [SocketAddress], first: Int) {
            self.addresses = addresses
            self.first = first
            let share = Limits.upstreamConnect.nanoseconds / Int64(max(addresses.count, 1))
            self.time = max(.nanoseconds(share), Limits.addressConnect)
        }

        /// The next one; nil where none is left, or no time for it.
        mutating func next() -> SocketAddress? {
            guard tried < addresses.count, tried == 0 || .now() < deadline else { return nil }
            defer { tried += 1 }
            return addresses[(first + tried) % addresses.count]
        }
    }

    private func open(
        _ attempts: Attempts, _ makeWire: @escaping WireMaker, _ context: NIOSSLContext?
    ) -> EventLoopFuture<Wire> {
        var attempts = attempts
        guard let address = attempts.next() else {
            return worker.loop.makeFailedFuture(ChannelError.connectTimeout(Limits.upstreamConnect))
        }
        let left = attempts
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        let made = NIOLoopBoundBox<(any UpstreamLink)?>(nil, eventLoop: worker.loop)
        return bootstrap(makeWire, made, context).connectTimeout(attempts.time).connect(to: address)
            .flatMapThrowing { channel in
                guard let wire = made.value else { throw ChannelError.alreadyClosed }
                return Wire(wire, eventLoop: channel.eventLoop)
            }
            .flatMapError { error in
                var rest = left
                guard rest.next() != nil else { return bound.value.worker.loop.makeFailedFuture(error) }
                return bound.value.open(left, makeWire, context)
            }
    }

    private func bootstrap(
        _ makeWire: @escaping WireMaker, _ made: NIOLoopBoundBox<(any UpstreamLink)?>,
        _ context: NIOSSLContext?
    ) -> ClientBootstrap {
        let name = serverName
        return ClientBootstrap(group: worker.loop)
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
                    let wire = makeWire(channel)
                    made.value = wire
                    try channel.pipeline.syncOperations.addHandler(wire)
                }
            }
    }

    /// The name to ask for; nil for an address, which SNI cannot hold (RFC 6066 §3).
    private var serverName: String? {
        let isAddress = (try? SocketAddress(ipAddress: upstream.origin.host, port: 0)) != nil
        return isAddress ? nil : upstream.origin.host
    }
}
