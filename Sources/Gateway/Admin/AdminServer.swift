import ControlPlane
import DataPlane
import Foundation
import Gatekeeper
import HTTPTypes
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
        address: ListenAddress, access: AdminAccess, state: GatewayState, events: EventHub,
        refresh: @escaping @Sendable (PoolName) async -> PoolStatus?, logger: Logger
    ) {
        let bound = OneShot<SocketAddress>()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let application = Application(
            responder: AdminResponder(access: access, state: state, events: events, refresh: refresh),
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

/// Responds to the admin port's requests.
private struct AdminResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let access: AdminAccess
    let state: GatewayState
    let events: EventHub
    let refresh: @Sendable (PoolName) async -> PoolStatus?

    func respond(to request: Request, context: Context) async throws -> Response {
        let target = request.head.path ?? "/"
        let path = String(target.prefix { $0 != "?" })
        let head = AdminAccess.RequestHead(
            method: request.method.rawValue, path: path, host: request.head.authority,
            origin: request.headers[.origin], authorization: request.headers[.authorization])
        let verdict = access.judge(head)
        var response =
            verdict == .page(.events)
            ? eventStream(request, query: target.dropFirst(path.count + 1))
            : await response(to: verdict, path: path)
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        // Without `Host` the request is HTTP/1.0, whose response ends with the connection.
        if head.host ?? "" == "" { response.headers[.connection] = "close" }
        return request.method == .head
            ? Response(status: response.status, headers: response.headers) : response
    }

    private func response(to verdict: AdminAccess.Verdict, path: String) async -> Response {
        switch verdict {
        case .page(.live): return json(.ok, ["status": "live"])
        case .page(.ready):
            switch state.readiness {
            case .ready: return json(.ok, ["status": "ready"])
            case .unready(let reason):
                return json(.serviceUnavailable, ["status": "unready", "reason": reason])
            }
        case .page(.status): return json(.ok, state.report)
        case .page(.events): return Response(status: .internalServerError)
        case .page(.refresh(let poolID)): return await refreshed(poolID)
        case .refused(let refusal):
            var response = json(HTTPResponse.Status(code: refusal.status), ["error": refusal.rawValue])
            if refusal == .tokenNeeded {
                response.headers[.wwwAuthenticate] = "Bearer realm=\"poolgate admin\""
            }
            if refusal == .methodNotAllowed, let methods = AdminAccess.methods(of: path) {
                response.headers[.allow] = methods.joined(separator: ", ")
            }
            return response
        }
    }

    private func refreshed(_ poolID: PoolID) async -> Response {
        guard let region = Region(String(poolID.regionPrefix)),
            let pool = PoolName(region: region, poolID: poolID),
            let status = await refresh(pool)
        else { return json(.notFound, ["error": "pool_not_served"]) }
        return json(.ok, StatusReport.Pool(status, now: .now))
    }

    /// Begins a stream of events, which ends with the connection or with the gateway.
    private func eventStream(_ request: Request, query: Substring) -> Response {
        guard let filter = EventFilter(query: query) else {
            return json(.badRequest, ["error": "bad_query"])
        }
        guard events.hasRoom else {
            var response = json(.serviceUnavailable, ["error": "too_many_listeners"])
            response.headers[.retryAfter] = "5"
            return response
        }
        // The listener begins where the body is written, so that it also ends there, whatever becomes of the connection.
        let body = ResponseBody { [events, state] writer in
            guard let listener = events.listen(to: filter.tenant, last: filter.last, summary: state.summary)
            else { return try await writer.finish(nil) }
            defer { events.leave(listener) }
            try await request.body.consumeWithInboundCloseHandler { _ in
                var stream = EventStream(listener)
                while let bytes = await stream.next() { try await writer.write(ByteBuffer(bytes: bytes)) }
            } onInboundClosed: {
                listener.end()
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream"], body: body)
    }

    private func json(_ status: HTTPResponse.Status, _ value: some Encodable) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return Response(status: .internalServerError) }
        var bytes = ByteBuffer()
        bytes.writeBytes(data)
        bytes.writeStaticString("\n")
        return Response(
            status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: bytes)
        )
    }
}
