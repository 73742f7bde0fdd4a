import Gatekeeper
import HTTPMessage
import NIOCore

/// The wire that an upstream speaks, as an exchange and the pool of its connections see it.
///
/// A protocol, so that neither names a wire: that of HTTP/1 is `HTTP1UpstreamConnection`.
protocol UpstreamWire: UpstreamLink {
    // MARK: An exchange's view

    /// Makes the connection carry the request of `client`, whose head is `head`.
    func begin(_ client: any UpstreamClient, _ head: borrowing RequestHead)

    /// Sends a request's head, and what of its body leaves with it; `isWhole` where that is all of it.
    func sendHead(_ bytes: ByteBuffer, isWhole: Bool)

    /// Sends a piece of the request's body, given as payload; with the last one its trailers, but for those `stripped`.
    func sendBody(_ payload: ByteBuffer, isLast: Bool, trailers: TrailerSection?, stripped: StrippedNames)

    /// Sends bytes of a WebSocket as they are.
    func sendTunnelled(_ bytes: ByteBuffer)

    /// Says that nothing more follows, once everything written has left.
    func endOutput()

    /// Whether the upstream takes bytes as fast as they come.
    var isWritable: Bool { get }

    /// Reads on, where reading was held for a slow client.
    func resumeReading()

    /// Ends the request of `client`, which cannot be finished; does nothing where the connection carries it no longer.
    func cancel(_ client: any UpstreamClient)

    /// Goes back to its pool unused.
    func park()

    /// Serves one client alone from now on, since the upstream takes the connection for its caller: it is lent to nobody
    /// else.
    func serveOneClient()

    /// Closes it, whosever request it carries.
    func discard()

    // MARK: The pool's view

    /// Whether it is connected.
    var isOpen: Bool { get }

    /// Whether a request is under way.
    var isBusy: Bool { get }

    func close()
}

/// A connection to an upstream, as whoever opens it sees it.
///
/// A protocol, since of HTTP/1 it is the wire of one request, and of HTTP/2 what the wires of many share.
protocol UpstreamLink: AnyObject {
    /// What the pool keeps of it.
    var place: PooledPlace { get set }

    /// The address that it leads to.
    var remoteAddress: SocketAddress? { get }

    /// Succeeds once it can carry a request: its TLS handshake is done, where there is one.
    func secured() -> EventLoopFuture<Void>
}

/// A connection that the requests of many share, each by a wire of its own, as the pool sees it.
protocol SharedUpstreamLink: UpstreamLink {
    /// Whether one more request may go this way.
    var hasRoom: Bool { get }

    /// The wire of one more request.
    func stream() -> any UpstreamWire

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32)

    /// Takes no more requests, and closes with the last one.
    func retire()
}

/// How a request lost its connection before a response began, as far as it may be sent again.
enum ConnectionLoss: Equatable {
    /// The connection was made for it, so the upstream does not serve as it should.
    case wasFresh
    /// The connection had served before: the upstream may have closed it before the request came.
    case wasReused
    /// A part of a response came.
    case saidSomething
    /// The upstream says that it did nothing with the request (RFC 9113 §8.7).
    case wasUnprocessed
}

/// Whoever sends a request to an upstream, as the upstream's pool and connection see it: an exchange.
///
/// A protocol, so that what speaks to upstreams names nothing that speaks to clients.
protocol UpstreamClient: AnyObject {
    // MARK: Waiting for a connection

    /// It joins the upstream's line for a connection; gives the ticket of its wait.
    func joinedLine() -> UInt32

    /// A connection is being opened for it; gives the ticket of its wait.
    func connectionBegun() -> UInt32

    /// Whether it still waits for the connection of `ticket`, and not for that of a later request.
    func waits(for ticket: UInt32) -> Bool

    /// The connection that it waited for; it goes back where it is not wanted any longer.
    func offered(_ connection: any UpstreamWire)

    /// No connection to the upstream could be had.
    func connectFailed(_ fault: UpstreamFault)

    /// Enough requests stand in the upstream's line.
    func lineIsFull()

    // MARK: The response

    /// Whether its client takes bytes as fast as they come.
    var isClientWritable: Bool { get }

    /// The upstream takes bytes again.
    func upstreamIsWritable()

    /// An interim (1xx) response came; false where it is one too many.
    func interimCame(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer) -> Bool

    /// The final response's head came.
    func responseBegan(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer)

    /// A piece of the response's body came, as payload.
    func responseBodyCame(_ payload: ByteBuffer)

    /// There is nothing more to pass on for now.
    func responsePaused()

    /// The response came whole, with what trailers there are.
    func responseEnded(trailers: TrailerSection?)

    /// The response broke off.
    func responseBroke()

    /// The response breaks HTTP's grammar, or a bound.
    func responseUnusable(_ detail: RefusalDetail)

    /// The connection broke before a response began.
    func connectionLost(_ loss: ConnectionLoss)

    /// Whether the head that went upstream holds a proof that authenticates the connection (NTLM, Negotiate).
    var authenticatesConnection: Bool { get }

    /// The upstream takes all requests on this connection for one caller's: gives it to the client alone; false where that
    /// cannot be.
    func claim(_ connection: any UpstreamWire) -> Bool

    // MARK: WebSocket

    /// The key of the handshake; nil where none was asked for.
    var webSocketKey: [UInt8]? { get }

    /// The upstream agreed to WebSocket.
    func switched(_ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer)

    /// Bytes of the upstream.
    func tunnelUpstreamSent(_ bytes: ByteBuffer)

    /// The upstream sends nothing more.
    func tunnelUpstreamEnded()

    /// The upstream's connection is gone.
    func tunnelUpstreamLost()
}

/// What a pool keeps of one of its connections.
struct PooledPlace {
    /// When an idle connection is closed, and since when it is idle, as ticks of the loop's clock.
    var idleUntil: UInt32 = 0
    var idleSince: UInt32 = 0
    /// When its address was last found to be one of the upstream's.
    var addressGeneration: UInt32 = 0
    /// Whether the pool counts this connection among those that it has.
    var isCounted = false
    /// The tenant in whose share the connection counts while it is no idle one of the pool's.
    var holder: TenantUse?
    var isHeldAnonymously = false
}

/// The TLS handshake with an upstream ended without saying why.
struct HandshakeFailure: Error {}

/// An upstream that was to speak HTTP/2 does not.
struct NoHTTP2: Error {}
