import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A request to the stand-in, whole.
struct LocalRequest: Sendable {
    let method: String
    let target: String
    let headers: [(String, String)]
    let body: [UInt8]

    /// The path's segments, without the query.
    var path: [String] {
        target.prefix { $0 != "?" }.split(separator: "/").map(String.init)
    }

    /// A member of the query, as it is written.
    func query(_ name: String) -> String? {
        let pairs = target.drop { $0 != "?" }.dropFirst().split(separator: "&").map {
            $0.split(separator: "=", maxSplits: 1)
        }
        return pairs.first { $0.first.map(String.init) == name }?.dropFirst().first.map(String.init)
    }

    /// What was received, as a JSON object.
    var description: [String: any Sendable] {
        [
            "method": method, "target": target, "headers": headers.map { [$0.0, $0.1] },
            "bodyBytes": body.count,
            "body": String(decoding: body.prefix(4096), as: UTF8.self),
        ]
    }
}

/// An answer of the stand-in.
struct LocalAnswer: Sendable {
    var status = 200
    var headers: [(String, String)] = []
    var body: [UInt8] = []

    init(status: Int = 200, headers: [(String, String)] = [], text: String = "") {
        self.status = status
        self.headers = headers
        self.body = Array(text.utf8)
    }

    init(status: Int = 200, json: [String: any Sendable]) {
        self.status = status
        headers = [("Content-Type", "application/json")]
        let data = try? JSONSerialization.data(withJSONObject: json, options: [.sortedKeys, .prettyPrinted])
        body = Array(data ?? Data()) + [10]
    }
}

/// What a request comes to: an answer, or a misbehaviour asked for.
enum LocalReply: Sendable {
    case answer(LocalAnswer)
    /// The answer, one byte every so many milliseconds.
    case slow(LocalAnswer, millisecondsPerByte: Int64)
    /// Nothing, for ever.
    case hang
    /// The connection closes without an answer.
    case close
}

/// An HTTP server for loopback; SwiftNIO's own pipeline, since nothing here is measured.
struct LocalServer {
    let listen: String
    let portFile: String?

    func run(_ reply: @escaping @Sendable (LocalRequest) -> LocalReply) async throws {
        let parts = listen.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw ListenFlaw(text: listen) }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 4096)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(LocalHandler(reply: reply))
                }
            }
            .bind(host: String(parts[0]), port: port).get()
        let bound = channel.localAddress?.port ?? port
        if let portFile { try "\(bound)\n".write(toFile: portFile, atomically: true, encoding: .utf8) }
        FileHandle.standardOutput.write(Data("listening on http://\(parts[0]):\(bound)\n".utf8))
        try await channel.closeFuture.get()
    }
}

struct ListenFlaw: Error, CustomStringConvertible {
    let text: String
    var description: String { "'\(text)' is no host:port" }
}

/// Gathers a request whole and sends its reply.
private final class LocalHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let reply: @Sendable (LocalRequest) -> LocalReply
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(reply: @escaping @Sendable (LocalRequest) -> LocalReply) {
        self.reply = reply
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
            send(reply(request), isHead: head.method == .HEAD, keepsAlive: head.isKeepAlive, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func send(_ reply: LocalReply, isHead: Bool, keepsAlive: Bool, _ context: ChannelHandlerContext) {
        switch reply {
        case .hang: break
        case .close: context.close(promise: nil)
        case .answer(let answer):
            writeHead(answer, keepsAlive, context)
            if !isHead {
                context.write(
                    wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
            }
            finish(keepsAlive, context)
        case .slow(let answer, let milliseconds):
            writeHead(answer, keepsAlive, context)
            drip(answer.body[...], milliseconds, NIOLoopBound((self, context), eventLoop: context.eventLoop))
        }
    }

    private func writeHead(_ answer: LocalAnswer, _ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders(answer.headers)
        headers.replaceOrAdd(name: "Content-Length", value: "\(answer.body.count)")
        if !keepsAlive { headers.add(name: "Connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func finish(_ keepsAlive: Bool, _ context: ChannelHandlerContext) {
        let end = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        if !keepsAlive { end.whenComplete { [channel = context.channel] _ in channel.close(promise: nil) } }
    }

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
