import Gatekeeper
import HTTPMessage
import NIOCore

/// The wire that a client speaks, as its exchange sees it: the one place that knows which one it is.
///
/// An enumeration and not a protocol, so that a call costs no existential and a new wire is a case that every function
/// here must fill in.
enum ClientWire {
    case http1(HTTP1ClientConnection)
    /// The client is gone: what it is sent is dropped.
    case gone

    // MARK: The request's body

    /// Whether all that is left of a body was read already. A chunked one is found out only as it is passed on.
    var isRestOfBodyAtHand: Bool {
        switch self {
        case .http1(let connection): connection.isRestOfBodyAtHand
        case .gone: false
        }
    }

    /// What of a short body lies behind the head already, to leave in one write with it; nil for nothing.
    func takeFirstBody() -> (bytes: ByteBuffer, isLast: Bool)? {
        switch self {
        case .http1(let connection): connection.takeFirstBody()
        case .gone: nil
        }
    }

    /// Reads on, where reading was held and need not be any longer.
    func resumeReading() {
        switch self {
        case .http1(let connection): connection.resumeReading()
        case .gone: break
        }
    }

    /// Uses what was read while the exchange waited.
    func resume() {
        switch self {
        case .http1(let connection): connection.process()
        case .gone: break
        }
    }

    // MARK: The response

    /// Whether the client takes bytes as fast as they come.
    var isWritable: Bool {
        switch self {
        case .http1(let connection): connection.isWritable
        case .gone: false
        }
    }

    /// Sends an interim (1xx) response, where the client understands one.
    func sendInterim(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .http1(let connection): connection.sendInterim(head, bytes)
        case .gone: break
        }
    }

    /// Begins the response with the upstream's head, which `bytes` begins with.
    func beginResponse(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .http1(let connection): connection.beginResponse(head, bytes)
        case .gone: break
        }
    }

    /// Sends a piece of the response's body, given as payload.
    func sendBody(_ payload: ByteBuffer) {
        switch self {
        case .http1(let connection): connection.sendBody(payload)
        case .gone: break
        }
    }

    /// Ends the body, with what trailers there are.
    func endBody(_ trailers: TrailerSection?) {
        switch self {
        case .http1(let connection): connection.endBody(trailers)
        case .gone: break
        }
    }

    /// Sends what was kept back so that a head and a short body leave together.
    func flush() {
        switch self {
        case .http1(let connection): connection.flush()
        case .gone: break
        }
    }

    /// The response is out whole: the exchange is over.
    func finishResponse() {
        switch self {
        case .http1(let connection): connection.finishResponse()
        case .gone: break
        }
    }

    /// Responds with a refusal: the exchange is over.
    func refuse(_ row: RefusalRow, _ request: RefusedRequest) {
        switch self {
        case .http1(let connection): connection.refuse(row, request)
        case .gone: break
        }
    }

    // MARK: WebSocket

    /// Passes on the response by which both sides change to WebSocket (RFC 6455 §4.2.2).
    func switchProtocols(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .http1(let connection): connection.switchProtocols(head, bytes)
        case .gone: break
        }
    }

    /// Sends bytes of a WebSocket as they are.
    func sendTunnelled(_ bytes: ByteBuffer) {
        switch self {
        case .http1(let connection): connection.send(bytes)
        case .gone: break
        }
    }

    /// Says that nothing more follows, once everything written has left.
    func endOutput() {
        switch self {
        case .http1(let connection): connection.endOutput()
        case .gone: break
        }
    }

    // MARK: Ends

    /// Ends so that a response under way cannot be taken for whole.
    func abort() {
        switch self {
        case .http1(let connection): connection.abort()
        case .gone: break
        }
    }

    /// Closes once everything written has left, and drops what still comes for a while.
    func linger() {
        switch self {
        case .http1(let connection): connection.linger()
        case .gone: break
        }
    }

    /// Closes once everything written has left.
    func closeWhenSent() {
        switch self {
        case .http1(let connection): connection.closeWhenSent()
        case .gone: break
        }
    }

    /// Closes at once.
    func close() {
        switch self {
        case .http1(let connection): connection.close()
        case .gone: break
        }
    }

    /// Closes at once, by a reset.
    func reset() {
        switch self {
        case .http1(let connection):
            connection.channel.resetOnClose()
            connection.close()
        case .gone: break
        }
    }
}
