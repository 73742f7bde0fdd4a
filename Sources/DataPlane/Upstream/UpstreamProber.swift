package import Gatekeeper
package import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// Tries upstreams as an event loop would reach them: name, addresses, connecting, TLS. For `poolgate check`.
///
/// A class, because all probes share what was looked up and read.
package final class UpstreamProber: Sendable {
    private let policy: UpstreamAddressPolicy
    private let resolver = UpstreamResolver(policy: UpstreamAddressPolicy(networks: [], ownListeners: []))
    private let authorities: UpstreamAuthorities
    private let group: any EventLoopGroup

    /// What came of a probe.
    package enum Outcome: Sendable, Equatable {
        /// A connection was made, with TLS where the origin asks for it. `outside` are addresses of the name that upstreams
        /// may not have, and that are therefore never connected to.
        case reached(outside: [String])
        /// Every address of the name is one that upstreams may not have.
        case forbidden(addresses: [String])
        /// Why no connection came about, as a sentence without its full stop, and what to do about it.
        case failed(reason: String, advice: String)
    }

    /// Probes on the loops of `group`. `networks` are those that upstreams must lie in, `authorityFolder` has the files of
    /// authorities that rows name.
    package init(networks: [AddressRange], authorityFolder: String?, group: any EventLoopGroup) {
        policy = UpstreamAddressPolicy(networks: networks, ownListeners: [])
        authorities = UpstreamAuthorities(folder: authorityFolder)
        self.group = group
    }

    /// Connects to `upstream` as a request of `tenant` would, and closes again. Each step has the clock of the data plane.
    package func probe(_ upstream: Upstream, for tenant: HostPattern?) async -> Outcome {
        let loop = group.next()
        do {
            let found = try await resolver.addresses(of: upstream.origin, for: tenant, on: loop)
                .within(Limits.upstreamPreparation).get()
            let allowed = found.filter(policy.allows)
            let outside = found.filter { !policy.allows($0) }.compactMap(\.ipAddress)
            guard !allowed.isEmpty else { return .forbidden(addresses: outside) }
            var context: NIOSSLContext?
            if upstream.origin.scheme.isSecure {
                context = try await authorities.context(
                    .init(name: upstream.authority, isHTTP2: upstream.origin.scheme.isHTTP2), tenant: tenant,
                    on: loop
                )
                .within(Limits.upstreamPreparation).get()
            }
            try await connect(to: allowed, upstream.origin, context, on: loop)
            return .reached(outside: outside)
        } catch {
            let (reason, advice) = UpstreamFailureWords.words(error, upstream)
            return .failed(reason: reason, advice: advice)
        }
    }

    /// Tries one address after the other; throws what went wrong with the last.
    private func connect(
        to addresses: [SocketAddress], _ origin: Origin, _ context: NIOSSLContext?, on loop: any EventLoop
    ) async throws {
        var last: (any Error)?
        for address in addresses {
            do {
                return try await connect(to: address, origin, context, on: loop)
            } catch {
                last = error
            }
        }
        if let last { throw last }
    }

    private func connect(
        to address: SocketAddress, _ origin: Origin, _ context: NIOSSLContext?, on loop: any EventLoop
    ) async throws {
        let secured = loop.makePromise(of: String?.self)
        let isAddress = (try? SocketAddress(ipAddress: origin.host, port: 0)) != nil
        let name = isAddress ? nil : origin.host
        do {
            let channel = try await ClientBootstrap(group: loop).connectTimeout(Limits.upstreamConnect)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let context else { return secured.succeed(nil) }
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                        try pipeline.addHandler(HandshakeListener(secured))
                    }
                }.connect(to: address).get()
            defer { channel.close(promise: nil) }
            let spoken = try await secured.futureResult.within(Limits.upstreamHandshake).get()
            if origin.scheme == .h2, spoken != "h2" { throw NoHTTP2() }
        } catch {
            secured.fail(error)
            throw error
        }
    }
}

/// Tells when a handshake is done and which protocol was agreed on, or that it failed.
private final class HandshakeListener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let done: EventLoopPromise<String?>

    init(_ done: EventLoopPromise<String?>) { self.done = done }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent { done.succeed(negotiated) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        done.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        done.fail(HandshakeFailure())
        context.fireChannelInactive()
    }
}
