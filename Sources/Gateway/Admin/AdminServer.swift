import DataPlane
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The admin port: Hummingbird on an event loop of its own, so that a busy proxy does not delay a load balancer's probe.
///
/// A class, because it is started and stopped from tasks of the program.
final class AdminServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let services: ServiceGroup
    private let bound: OneShot<SocketAddress>
    private let address: ListenAddress

    /// Why the port could not be opened; a sentence without its full stop.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(
        address: ListenAddress, responder: AdminResponder, logger: Logger
    ) {
        let bound = OneShot<SocketAddress>()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let application = Application(
            responder: responder,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [AdminExchangeClock(limit: .init(Limits.adminExchange))],
                    idleTimeout: .seconds(Int64(Limits.adminIdle.milliseconds / 1_000)),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: Limits.adminHeadBytes, maxHeaderListSize: Limits.adminHeadBytes,
                        maxHeaderFieldCount: Limits.adminHeaders))),
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port)),
            onServerRunning: { channel in
                _ = try? await channel.eventLoop.submit {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandlers(
                        [AcceptPause(), AdminConnections(limit: Limits.adminConnections)], position: .first)
                }.get()
                if let address = channel.localAddress { bound.set(address) }
            },
            eventLoopGroupProvider: .shared(group), logger: logger)
        self.address = address
        self.bound = bound
        self.group = group
        self.services = ServiceGroup(configuration: .init(services: [application], logger: logger))
    }

    /// Serves until it is stopped. Throws where the address cannot be bound.
    func run() async throws(Failure) {
        do {
            try await services.run()
        } catch is CancellationError {
            return
        } catch {
            throw Failure(description: ListenFailure.sentence("--admin-listen", address, error))
        }
    }

    /// Waits until the port is open, and returns its address; nil where the task is cancelled first.
    func boundAddress() async -> SocketAddress? {
        await bound.wait()
    }

    /// Returns once the port's event loop has found time for it.
    func answer() async {
        try? await group.next().submit {}.get()
    }

    /// Lets responses under way go out; `run` returns.
    func stop() async {
        await services.triggerGracefulShutdown()
    }
}
