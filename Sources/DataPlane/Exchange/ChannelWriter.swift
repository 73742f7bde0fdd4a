import NIOCore

/// Writes to one peer: to its socket at once where that is in clear and takes everything, through the channel otherwise,
/// and in few buffers while the peer reads slowly.
///
/// A class, because the writes that leave later come back to it. It belongs to one connection and its loop; `close` breaks
/// the cycle with the pipeline.
final class ChannelWriter {
    private let channel: any Channel
    private var context: ChannelHandlerContext?
    /// The socket, where no handler changes what is written.
    private var socket: PlainSocket?
    private var outbox = Outbox()

    /// A writer that writes nothing before `open`.
    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// Writes by `context` from now on; `isClear` where its pipeline has no TLS.
    func open(_ context: ChannelHandlerContext, isClear: Bool) {
        self.context = context
        if isClear { socket = PlainSocket(channel) }
    }

    /// Writes nothing any more.
    func close() {
        context = nil
        socket = nil
    }

    /// Sends a head, or a piece of a body or WebSocket.
    func send(_ bytes: ByteBuffer, isHead: Bool = false) {
        if socket != nil, !outbox.isBehind {
            var rest = bytes
            socket?.deliver(&rest)
            guard rest.readableBytes > 0 else { return }
            context?.writeAndFlush(NIOAny(rest.forWaiting), promise: nil)
            fallBehind()
            return
        }
        guard let context, let piece = outbox.add(bytes) else { return }
        context.writeAndFlush(NIOAny(piece.forWaiting), promise: nil)
        // A socket that is written to directly says itself when it is behind.
        guard socket == nil, outbox.shouldLook(isHead: isHead), channel.unsentBytes > 0 else { return }
        fallBehind()
    }

    /// Bytes that the peer did not take yet.
    var unsentBytes: Int { outbox.heldBytes + channel.unsentBytes }

    /// The socket did not take everything: what follows waits until the channel has written it all, since only then
    /// nothing can overtake.
    private func fallBehind() {
        outbox.fellBehind()
        whenWritten { writer, hasLeft in
            // A closed channel writes nothing more.
            guard hasLeft else { return }
            guard writer.channel.unsentBytes == 0 else { return writer.fallBehind() }
            if let held = writer.outbox.caughtUp() { writer.send(held) }
        }
    }

    /// Calls `next` once everything sent so far has left, or cannot leave any more.
    func whenSent(_ next: @escaping () -> Void) {
        if let held = outbox.takeHeld() { context?.writeAndFlush(NIOAny(held), promise: nil) }
        whenWritten { _, _ in next() }
    }

    private func whenWritten(_ next: @escaping (ChannelWriter, _ hasLeft: Bool) -> Void) {
        guard let context else { return }
        let bound = NIOLoopBound((self, next), eventLoop: context.eventLoop)
        context.writeAndFlush(NIOAny(ByteBuffer())).whenComplete { result in
            let (writer, next) = bound.value
            if case .success = result { next(writer, true) } else { next(writer, false) }
        }
    }
}
