import Gatekeeper
import HTTPMessage
import NIOCore

/// The wire that a client speaks, as its exchange sees it.
///
/// A protocol, so that an exchange names no wire: that of HTTP/1 is `HTTP1ClientConnection`. A client that is gone is nil
/// to its exchange, and what it is sent is dropped.
protocol ClientWire: AnyObject {
    // MARK: The request's body

    /// Whether all that is left of a body was read already. A chunked one is found out only as it is passed on; then this is true.
    var isRestOfBodyAtHand: Bool { get }

    /// What of a short body lies behind the head already, to leave in one write with it; nil for nothing.
    func takeFirstBody() -> (bytes: ByteBuffer, isLast: Bool)?

    /// Reads on, where reading was held and need not be any longer.
    func resumeReading()

    /// Uses what was read while the exchange waited.
    func resume()

    // MARK: The response

    /// Whether the client takes bytes as fast as they come.
    var isWritable: Bool { get }

    /// Sends an interim (1xx) response, where the client understands one.
    func sendInterim(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer)

    /// Begins the response with the upstream's head, which `bytes` begins with.
    func beginResponse(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer)

    /// Sends a piece of the response's body, given as payload.
    func sendBody(_ payload: ByteBuffer)

    /// Ends the body, with what trailers there are.
    func endBody(_ trailers: TrailerSection?)

    /// Sends what was kept back so that a head and a short body leave together.
    func flush()

    /// The response is out whole: the exchange is over.
    func finishResponse()

    /// Responds with a refusal: the exchange is over.
    func refuse(_ row: RefusalRow, _ request: RefusedRequest)

    /// Answers that the request in question may pass: the exchange is over.
    func answer(_ answer: Answer)

    /// Ends a gRPC response under way with the status of a refusal: the exchange is over.
    func endWithStatus(_ row: RefusalRow)

    // MARK: WebSocket

    /// Passes on the response by which both sides change to WebSocket (RFC 6455 §4.2.2).
    func switchProtocols(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer)

    /// Sends bytes of a WebSocket as they are.
    func sendTunnelled(_ bytes: ByteBuffer)

    /// Says that nothing more follows, once everything written has left.
    func endOutput()

    // MARK: Ends

    /// Ends so that a response under way cannot be taken for whole.
    func abort()

    /// Closes once everything written has left, and drops what still comes for a while.
    func linger()

    /// Closes once everything written has left.
    func closeWhenSent()

    /// Closes at once.
    func close()

    /// Closes at once, by a reset.
    func reset()
}
