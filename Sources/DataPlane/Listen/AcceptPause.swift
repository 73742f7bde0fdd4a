package import NIOCore

/// Pauses a listener that cannot accept, such as for want of descriptors, and tries again a little later.
///
/// Our own: SwiftNIO's `AcceptBackoffHandler` withholds reads, which leaves the listening socket registered, so that
/// the loop spins (measured: one core busy). Turning `autoRead` off takes it out of the selector.
package final class AcceptPause: ChannelInboundHandler {
    /// What a listener's pipeline carries.
    package typealias InboundIn = any Channel

    package init() {}

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else {
            context.fireErrorCaught(error)
            return
        }
        let channel = context.channel
        channel.setOption(.autoRead, value: false).whenComplete { _ in }
        channel.eventLoop.scheduleTask(in: Limits.acceptPause) {
            channel.setOption(.autoRead, value: true).whenComplete { _ in }
        }
    }
}
