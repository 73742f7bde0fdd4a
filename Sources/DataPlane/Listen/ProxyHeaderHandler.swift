import HTTP1
import HTTPMessage
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
    private var isDone = false
    private let refusals: ProxyHeaderRefusals

    init(refusals: ProxyHeaderRefusals) {
        self.refusals = refusals
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        var more = unwrapInboundIn(data)
        bytes.writeBuffer(&more)
        switch bytes.withUnsafeReadableBytes({ ProxyHeader.parse($0) }) {
        case .needMore: break
        case .flaw:
            refuse(context, .noHeader)
        case .complete(let header):
            isDone = true
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

    /// A FIN inside the header; one before it is a look at whether the port is open, which many balancers take.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            if bytes.readableBytes > 0 { refuse(context, .cutShort) } else { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// The time for it was over, or the peer is gone.
    func channelInactive(context: ChannelHandlerContext) {
        if !isDone, bytes.readableBytes > 0 { refuse(context, .cutShort) }
        context.fireChannelInactive()
    }

    private func refuse(_ context: ChannelHandlerContext, _ reason: ProxyHeaderRefusals.Reason) {
        guard !isDone else { return }
        isDone = true
        refusals.add(reason, from: context.remoteAddress)
        context.close(promise: nil)
    }
}
