import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A whole request to the stand-in.
struct LocalRequest: Sendable {
    let method: String
    let target: String
    let headers: [(String, String)]
    let body: [UInt8]

    /// The path's segments, without the query.
    var path: [String] {
        target.prefix { $0 != "?" }.split(separator: "/").map(String.init)
    }

    /// The value of a query parameter as it is written; nil where it is absent.
    func query(_ name: String) -> String? {
        let pairs = target.drop { $0 != "?" }.dropFirst().split(separator: "&").map {
            $0.split(separator: "=", maxSplits: 1)
        }
        return pairs.first { $0.first.map(String.init) == name }?.dropFirst().first.map(String.init)
    }

    /// The request as a JSON object.
    var description: [String: any Sendable] {
        [
            "method": method, "target": target, "headers": headers.map { [$0.0, $0.1] },
            "bodyBytes": body.count,
            "body": String(decoding: body.prefix(Limits.shownBodyBytes), as: UTF8.self),
        ]
    }
}

/// A response of the stand-in.
struct LocalResponse: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var body: [UInt8] = []

    /// A response with a text as its body.
    init(status: Int = 200, headers: [(String, String)] = [], text: String = "") {
        self.status = status
        self.headers = headers
        self.body = Array(text.utf8)
    }

    /// A response with a JSON object as its body.
    init(status: Int = 200, json: [String: any Sendable]) {
        self.status = status
        headers = [("Content-Type", "application/json")]
        let data = try? JSONSerialization.data(withJSONObject: json, options: [.sortedKeys, .prettyPrinted])
        body = Array(data ?? Data()) + [10]
    }
}

/// What the server does about a request: it responds, or misbehaves as it was asked to.
enum LocalOutcome: Sendable {
    /// Sends the response.
    case respond(LocalResponse)
    /// Sends the response's body one byte every so many milliseconds.
    case respondSlowly(LocalResponse, millisecondsPerByte: Int64)
    /// Never responds.
    case hang
    /// Closes the connection without a response.
    case close
}

/// An HTTP server for this machine, with SwiftNIO's HTTP pipeline, since its speed does not matter.
struct LocalServer {
    /// Where to listen, `host:port`.
    let listen: String
    /// The file to write the bound port to; nil for none.
    let portFile: String?

    /// Serves until the listener closes. `outcome` decides what to do about each request.
    func run(_ outcome: @escaping @Sendable (LocalRequest) -> LocalOutcome) async throws {
        let parts = listen.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw ListenFlaw(text: listen) }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: Limits.listenBacklog)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(LocalHandler(outcome: outcome))
                }
            }
            .bind(host: String(parts[0]), port: port).get()
        let bound = channel.localAddress?.port ?? port
        if let portFile { try "\(bound)\n".write(toFile: portFile, atomically: true, encoding: .utf8) }
        FileHandle.standardOutput.write(Data("listening on http://\(parts[0]):\(bound)\n".utf8))
        try await channel.closeFuture.get()
    }
}

/// The address to listen on cannot be read.
struct ListenFlaw: Error, CustomStringConvertible {
    let text: String
    var description: String { "'\(text)' is no host:port" }
}

/// Gathers a whole request, and does about it what `outcome` says.
private final class LocalHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let outcome: @Sendable (LocalRequest) -> LocalOutcome
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(outcome: @escaping @Sendable (LocalRequest) -> LocalOutcome) {
        self.outcome = outcome
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let bytes): body += bytes.readableBytesView
        case .end:
            guard let head else { return }
            let request = LocalRequest(
                method: head.method.rawValue, target: head.uri,
                headers: head.headers.map { ($0.name, $0.value) },
                body: body)
            perform(outcome(request), isHead: head.method == .HEAD, keepsAlive: head.isKeepAlive, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func perform(
        _ outcome: LocalOutcome, isHead: Bool, keepsAlive: Bool, _ context: ChannelHandlerContext
    ) {
        switch outcome {
        case .hang: break
        case .close: context.close(promise: nil)
        case .respond(let response):
            writeHead(response, keepsAlive, context)
            if !isHead {
                context.write(
                    wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil)
            }
            finish(keepsAlive, context)
        case .respondSlowly(let response, let milliseconds):
            writeHead(response, keepsAlive, context)
            drip(
                response.body[...], milliseconds, NIOLoopBound((self, context), eventLoop: context.eventLoop))
        }
    }

    private func writeHead(_ response: LocalResponse, _ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders(response.headers)
        headers.replaceOrAdd(name: "Content-Length", value: "\(response.body.count)")
        if !keepsAlive { headers.add(name: "Connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: response.status), headers: headers)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func finish(_ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !keepsAlive { end.whenComplete { [channel = context.channel] _ in channel.close(promise: nil) } }
    }

    /// Sends the rest of a body one byte at a time.
    private func drip(
        _ rest: ArraySlice<UInt8>, _ milliseconds: Int64,
        _ bound: NIOLoopBound<(LocalHandler, ChannelHandlerContext)>
    ) {
        let (handler, context) = bound.value
        guard let byte = rest.first else {
            handler.finish(true, context)
            return
        }
        context.writeAndFlush(
            handler.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: [byte])))), promise: nil)
        context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
            guard bound.value.1.channel.isActive else { return }
            bound.value.0.drip(rest.dropFirst(), milliseconds, bound)
        }
    }
}
