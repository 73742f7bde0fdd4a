import NIOCore
import NIOPosix
import Testing

@testable import DataPlane

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

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

    /// Everything that the peer got.
    private func received(_ pieces: [[UInt8]], isClear: Bool) async throws -> [UInt8] {
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.socketOption(.so_sndbuf), value: 8_192)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Sender(channel, pieces, isClear: isClear))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        defer { server.close(promise: nil) }
        let port = try #require(server.localAddress?.port)
        return try await NIOThreadPool.singleton.runIfActive {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            var size: Int32 = 4_096
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            #expect(connected == 0)
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 10_000)
            while true {
                let count = read(descriptor, &buffer, Int.random(in: 1...buffer.count))
                guard count > 0 else { return bytes }
                bytes += buffer[..<count]
                if Int.random(in: 0..<20) == 0 { usleep(500) }
            }
        }
    }

    @Test(arguments: [true, false])
    func `Whatever the peer takes and when, it gets every byte in its place`(isClear: Bool) async throws {
        for longest in [3, 700, 30_000] {
            var next: UInt8 = 0
            let pieces = (0..<min(4_000, 3_000_000 / longest)).map { _ in
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
