import Gatekeeper
import HTTPMessage
import NIOCore

/// The wire that an upstream speaks, as an exchange sees it: the one place that knows which one it is.
///
/// An enumeration and not a protocol, so that a call costs no existential and a new wire is a case that every function
/// here must fill in.
enum UpstreamWire {
    case http1(HTTP1UpstreamConnection)

    /// Makes the connection carry the request of `exchange`, whose head is `head`.
    func begin(_ exchange: Exchange, _ head: borrowing RequestHead) {
        switch self {
        case .http1(let connection): connection.begin(exchange, head)
        }
    }

    /// Sends a request's head, and what of its body leaves with it.
    /// `isWhole` where that is all of it.
    func sendHead(_ bytes: ByteBuffer, isWhole: Bool) {
        switch self {
        case .http1(let connection): connection.sendHead(bytes, isWhole: isWhole)
        }
    }

    /// Makes the connection serve nobody but this client from now on.
    func bind(to peer: ClientPeer, for caller: Identity?) {
        switch self {
        case .http1(let connection): peer.own(connection, for: caller)
        }
    }

    /// Sends a piece of the request's body, given as payload; with the last one its trailers, but for those `stripped`.
    func sendBody(_ payload: ByteBuffer, isLast: Bool, trailers: TrailerSection?, stripped: StrippedNames) {
        switch self {
        case .http1(let connection):
            connection.sendBody(payload, isLast: isLast, trailers: trailers, stripped: stripped)
        }
    }

    /// Sends bytes of a WebSocket as they are.
    func sendTunnelled(_ bytes: ByteBuffer) {
        switch self {
        case .http1(let connection): connection.send(bytes)
        }
    }

    /// Says that nothing more follows, once everything written has left.
    func endOutput() {
        switch self {
        case .http1(let connection): connection.endOutput()
        }
    }

    /// Whether the upstream takes bytes as fast as they come.
    var isWritable: Bool {
        switch self {
        case .http1(let connection): connection.isWritable
        }
    }

    /// Reads on, where reading was held for a slow client.
    func resumeReading() {
        switch self {
        case .http1(let connection): connection.resumeReading()
        }
    }

    /// Ends a request that cannot be finished.
    func cancel() {
        switch self {
        case .http1(let connection): connection.cancel()
        }
    }

    /// Goes back to its pool unused.
    func park() {
        switch self {
        case .http1(let connection): connection.park()
        }
    }
}
