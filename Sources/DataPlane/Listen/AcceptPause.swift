package import NIOCore

/// Pauses a listener that cannot accept a connection, such as when the process has no file descriptor left, and tries again
/// after `Limits.acceptPause`.
///
/// SwiftNIO's `AcceptBackoffHandler` is not used, because it only holds reads back: the listening socket stays registered
/// with epoll(7), so that the event loop spins (measured: one core busy). With `autoRead` off, the socket is not registered.
package final class AcceptPause: ChannelInboundHandler {
    /// A listener's pipeline carries the connections that were accepted.
    package typealias InboundIn = any Channel

    /// A handler for one listener.
    package init() {}

    /// Pauses the listener after an error of accept(2); passes other errors on.
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
