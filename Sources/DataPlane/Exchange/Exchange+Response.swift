import Gatekeeper
import HTTPMessage
import NIOCore

/// The way of an upstream's response back to the client.
extension Exchange {
    /// An interim (1xx) response came; false where it is one too many.
    func interimCame(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard machine.interimCame(at: worker.clock.tick) else { return false }
        client?.sendInterim(head, bytes)
        return true
    }

    /// The final response's head came, whatever its status: the upstream does its work.
    func responseBegan(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        if let member { member.pool.responded(member.use) }
        guard machine.responseBegan() else { return }
        times.responded = worker.clock.monotonic
        noteStatus(head.status)
        client?.beginResponse(head, bytes)
    }

    /// A piece of the response's body came, as payload.
    func responseBodyCame(_ payload: ByteBuffer) {
        machine.progressed(at: worker.clock.tick)
        bytesOut += UInt64(payload.readableBytes)
        client?.sendBody(payload)
    }

    /// The upstream's wire has nothing more to pass on for now.
    func responsePaused() {
        client?.flush()
    }

    /// The response came whole, with what trailers there are.
    ///
    /// The connection is another's by now, and a write can fail at once and take the client with it: so it is let go of
    /// first.
    func responseEnded(trailers: TrailerSection?) {
        detachUpstream()
        client?.endBody(trailers)
        perform(machine.responseEnded())
    }

    /// The response broke off.
    func responseBroke() {
        detachUpstream()
        perform(machine.responseBroke())
    }

    /// The response breaks HTTP's grammar, or a bound.
    func responseUnusable(_ detail: RefusalDetail) {
        detachUpstream()
        perform(machine.responseUnusable(detail))
    }

    /// The upstream takes bytes again.
    func upstreamIsWritable() {
        client?.resumeReading()
    }

    /// Whether the client takes bytes.
    var isClientWritable: Bool { client?.isWritable ?? false }

    /// The upstream takes all requests on this connection for one caller's. Gives it to this client alone; false where a
    /// balancer sends several clients' requests over the client's connection.
    func claim(_ connection: any UpstreamWire) -> Bool {
        guard !peer.way.isTrusted else { return false }
        peer.own(connection, for: identity)
        return true
    }
}
