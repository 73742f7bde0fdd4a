import HTTP1
import NIOCore

/// Reads the PROXY header that a load balancer puts before everything else, tells the connection whose it is, and
/// leaves the pipeline. Whoever sends none, or may not send one, is not talked to.
///
/// Our own, because the package that offers one speaks version 1 alone.
final class ProxyHeaderHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What the header said.
    struct Source: Sendable {
        /// Nil where the balancer speaks for itself.
        let address: SocketAddress?
    }

    private var bytes = ByteBuffer()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var more = unwrapInboundIn(data)
        bytes.writeBuffer(&more)
        switch bytes.withUnsafeReadableBytes({ ProxyHeader.parse($0) }) {
        case .needMore: break
        case .flaw: context.close(promise: nil)
        case .complete(let header):
            bytes.moveReaderIndex(forwardBy: header.length)
            let source = header.source.flatMap {
                try? SocketAddress(packedIPAddress: ByteBuffer(bytes: $0.address), port: Int($0.port))
            }
            context.fireUserInboundEventTriggered(Source(address: source))
            let rest = bytes
            bytes = ByteBuffer()
            if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }

    /// A FIN inside the header.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}
