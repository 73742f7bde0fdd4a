import NIOCore
import NIOPosix
import Testing

@testable import DataPlane

/// Bytes for a peer that reads now fast and now slowly, over a real socket.
@Suite struct ChannelWriterTests {
    /// Sends pieces as long as the channel takes them, and waits while it does not.
    private final class Sender: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var pieces: ArraySlice<[UInt8]>
        private let writer: ChannelWriter
        private let isClear: Bool

        init(_ channel: any Channel, _ pieces: [[UInt8]], isClear: Bool) {
            self.pieces = pieces[...]
            self.writer = ChannelWriter(channel)
            self.isClear = isClear
        }

        func handlerAdded(context: ChannelHandlerContext) { writer.open(context, isClear: isClear) }
        func handlerRemoved(context: ChannelHandlerContext) { writer.close() }
        func channelActive(context: ChannelHandlerContext) { sendMore(context.channel) }

        func channelWritabilityChanged(context: ChannelHandlerContext) { sendMore(context.channel) }

        private func sendMore(_ channel: any Channel) {
            while channel.isWritable, let piece = pieces.popFirst() {
                writer.send(ByteBuffer(bytes: piece), isHead: piece.count < 100)
            }
            guard pieces.isEmpty else { return }
            writer.whenSent { channel.close(promise: nil) }
        }
    }

    /// Reads a little at a time, and rests now and then.
    private final class SlowReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private var bytes: [UInt8] = []
        private let whole: EventLoopPromise<[UInt8]>

        init(_ whole: EventLoopPromise<[UInt8]>) { self.whole = whole }

        func channelActive(context: ChannelHandlerContext) { context.read() }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
        }
        func channelReadComplete(context: ChannelHandlerContext) {
            let rest = Int64.random(in: 0..<20) == 0 ? 500 : 0
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: .microseconds(Int64(rest))) { bound.value.read() }
        }
        func channelInactive(context: ChannelHandlerContext) { whole.succeed(bytes) }
    }

    /// Everything that the peer got.
    private func received(_ pieces: [[UInt8]], isClear: Bool) async throws -> [UInt8] {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelOption(.socketOption(.so_sndbuf), value: 8_192)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Sender(channel, pieces, isClear: isClear))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        defer { server.close(promise: nil) }
        let whole = group.next().makePromise(of: [UInt8].self)
        _ = try await ClientBootstrap(group: group)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.socketOption(.so_rcvbuf), value: 4_096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SlowReader(whole))
                }
            }
            .connect(to: try #require(server.localAddress)).get()
        return try await whole.futureResult.get()
    }

    @Test("Whatever the peer takes and when, it gets every byte in its place", arguments: [true, false])
    func everyByteInPlace(isClear: Bool) async throws {
        for longest in [3, 700, 30_000] {
            var next: UInt8 = 0
            // Through so small a window a hundred thousand bytes stall some fifty times, and take seconds.
            let pieces = (0..<min(2_000, 400_000 / longest)).map { _ in
                (0..<Int.random(in: 1...longest)).map { _ in
                    next = next &* 31 &+ 7
                    return next
                }
            }
            let received = try await received(pieces, isClear: isClear)
            let isWhole = received == Array(pieces.joined())
            #expect(isWhole)
        }
    }
}
