import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// What is kept of a request that asks to become a WebSocket, and of the WebSocket that it becomes.
///
/// A class, so that the many requests that do not ask carry one empty reference.
final class WebSocketExchange {
    /// `Sec-WebSocket-Key`.
    let key: [UInt8]
    /// What it was admitted by, to be judged again.
    let held: HeldAdmission
    /// Follows the frames that go to the client.
    var frames = WebSocketFrames()

    init(key: [UInt8], held: HeldAdmission) {
        self.key = key
        self.held = held
    }
}

/// WebSocket: bytes carried both ways, until an end or until the caller may not go on (RFC 6455).
extension Exchange {
    /// The key of the handshake; nil where none was asked for.
    var webSocketKey: [UInt8]? { webSocket?.key }

    /// The upstream agreed: its response is passed on, and bytes are carried from here on.
    func switched(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        if let member { member.pool.responded(member.use) }
        guard webSocket != nil, machine.switched() else { return }
        noteStatus(head.status)
        times.responded = worker.clock.monotonic
        countWebSocket()
        // A write can fail at once and end all of this: so it is noted first.
        worker.webSockets.began(self)
        client?.switchProtocols(head, bytes)
        client?.resume()
        if machine.hasClientEnded { clientEnded() }
        if worker.isDraining { drain() } else { review(at: worker.clock.now) }
    }

    /// Bytes of the client.
    func tunnelClientSent(_ bytes: ByteBuffer) {
        bytesIn += UInt64(bytes.readableBytes)
        upstream?.sendTunnelled(bytes)
    }

    /// Bytes of the upstream: all of them, or those to the next boundary of a frame where the gateway is to close.
    func tunnelUpstreamSent(_ bytes: ByteBuffer) {
        guard let webSocket, case .tunnelling(let tunnel) = machine.state else { return }
        let stopsAtBoundary = tunnel.closing != nil
        bytesOut += UInt64(bytes.readableBytes)
        let count = bytes.withUnsafeReadableBytes {
            webSocket.frames.advance($0, toBoundary: stopsAtBoundary)
        }
        if count == bytes.readableBytes {
            client?.sendTunnelled(bytes)
        } else if let whole = bytes.getSlice(at: bytes.readerIndex, length: count), count > 0 {
            client?.sendTunnelled(whole)
        }
        if stopsAtBoundary { endTunnelAtBoundary() }
    }

    /// The upstream sends nothing more.
    func tunnelUpstreamEnded() {
        perform(machine.tunnelUpstreamEnded())
    }

    /// The upstream's connection is gone.
    func tunnelUpstreamLost() {
        detachUpstream()
        perform(machine.tunnelUpstreamLost())
    }

    /// Closes the WebSocket where the token's end or the rows no longer allow it.
    func review(at now: Instant) {
        if let heldCall { return reviewCall(heldCall, at: now) }
        guard machine.isOpenTunnel, let webSocket, let refusal = worker.judge.review(webSocket.held, at: now)
        else { return }
        worker.counters.closedWebSockets &+= 1
        note = worker.judge.notes.refusal
        record(refusal, status: 101, detail: .webSocketClosed)
        perform(machine.closeTunnel(.policyViolation, at: worker.clock.tick))
    }

    /// Sends the Close frame, if what went to the client ends between two frames.
    func endTunnelAtBoundary() {
        guard webSocket?.frames.isAtBoundary == true else { return }
        perform(machine.tunnelAtBoundary())
    }

    /// Sends the Close frame, where the upstream has not ended its side, and closes both sides.
    func sayClose(_ code: CloseCode?) {
        if let code {
            client?.sendTunnelled(ByteBuffer(bytes: WebSocketFrames.close(code: code.rawValue)))
        }
        dropUpstream()
        client?.linger()
    }
}
