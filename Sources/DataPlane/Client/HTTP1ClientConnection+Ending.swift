import HTTP1
import HTTPMessage
import NIOCore

/// How a client's connection ends.
extension HTTP1ClientConnection {
    /// Lets everything written leave, half-closes, drops what still comes, then closes, so that the client sees the
    /// response and not a reset.
    func linger() {
        leave(.linger)
    }

    /// Closes once everything written has left; where requests wait unserved, as `linger` does.
    func closeWhenSent() {
        leave(inbound.readableBytes == 0 || machine.isInputEnded ? .close : .linger)
    }

    private func leave(_ farewell: HTTP1ConnectionMachine.Farewell) {
        guard machine.leave(farewell, at: worker.clock.tick) else { return }
        flush()
        inbound = ByteBuffer()
        returnSurplus()
        forgetUnsent()
        whenSent { $0.flushed() }
        resumeReading()
    }

    /// Says that nothing more follows, once everything written has left; the client may go on.
    func endOutput() {
        whenSent { if $0.machine.isServing { $0.channel.close(mode: .output, promise: nil) } }
    }

    /// Ends the connection so that a response under way cannot be taken for whole.
    func abort() {
        guard machine.state != .closed else { return }
        flush()
        if delivery.framing == .untilClose { channel.resetOnClose() }
        close()
    }

    /// Closes at once, by a reset.
    func reset() {
        channel.resetOnClose()
        close()
    }

    func close() {
        guard machine.state != .closed else { return }
        finish()
        channel.close(promise: nil)
    }

    /// Gives up everything that belongs to the connection; once more does nothing.
    func finish() {
        guard machine.close() else { return }
        exchange.clientLost()
        peer.giveUpOwnedUpstream()
        inbound = ByteBuffer()
        output = ByteBuffer()
        returnSurplus()
    }
}
