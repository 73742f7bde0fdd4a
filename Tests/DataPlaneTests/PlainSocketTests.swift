import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import DataPlane

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A channel's socket written to directly, with a peer that reads when it is told to.
@Suite struct PlainSocketTests {
    /// A connection over loopback to a peer that reads nothing of its own accord.
    private func connected<Value: Sendable>(
        _ body: @escaping @Sendable (any Channel, any Channel) throws -> Value
    ) async throws -> Value {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let accepted = loop.makePromise(of: (any Channel).self)
        let listener = try await ServerBootstrap(group: loop)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer {
                accepted.succeed($0)
                return loop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let channel = try await ClientBootstrap(group: loop).connect(to: try #require(listener.localAddress))
            .get()
        let peer = try await accepted.futureResult.get()
        let value = try await loop.submit { try body(channel, peer) }.get()
        for each in [channel, peer, listener] { try? await each.close() }
        return value
    }

    @Test("A socket takes what it has room for and leaves the rest, in order, to the channel")
    func partialWrites() async throws {
        try await connected { channel, _ in
            let socket = try #require(PlainSocket(channel))
            var small = ByteBuffer(string: "HTTP/1.1 200 OK")
            socket.deliver(&small)
            #expect(small.readableBytes == 0)
            // More than a loopback connection's buffers hold.
            var large = ByteBuffer(repeating: 7, count: 64 << 20)
            socket.deliver(&large)
            #expect(large.readableBytes > 0 && large.readableBytes < 64 << 20)
            let left = large.readableBytes
            socket.deliver(&large)
            #expect(left - large.readableBytes < 8 << 20)
        }
    }

    @Test("A channel that was closed is not written to, whoever has its descriptor's number now")
    func closedChannel() async throws {
        try await connected { channel, _ in
            let socket = try #require(PlainSocket(channel))
            channel.close(promise: nil)
            var bytes = ByteBuffer(string: "abc")
            socket.deliver(&bytes)
            #expect(bytes.readableBytes == 3)
        }
    }

    @Test("A peer that is gone leaves everything to the channel, which meets the error")
    func goneChannelPeer() async throws {
        try await connected { channel, peer in
            let socket = try #require(PlainSocket(channel))
            _ = (peer as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            peer.close(promise: nil)
            // A process that another test starts in this moment holds the peer's socket for a little longer.
            var bytes = ByteBuffer()
            for _ in 0..<2_000 where bytes.readableBytes == 0 {
                bytes = ByteBuffer(string: "abc")
                socket.deliver(&bytes)
                if bytes.readableBytes == 0 { usleep(1_000) }
            }
            #expect(bytes.readableBytes == 3)
        }
    }

    @Test("A channel without a socket has none to write to")
    func channelWithoutSocket() {
        let channel = EmbeddedChannel()
        #expect(PlainSocket(channel) == nil)
    }
}
