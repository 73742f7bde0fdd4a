import Gatekeeper
import HTTP1
import HTTP2
import HTTPMessage
import NIOCore

/// The connection that a stream belongs to, as the stream sees it.
///
/// A protocol, so that a stream does not name what makes it.
protocol HTTP2UpstreamStreamOwner: AnyObject {
    var session: HTTP2Session { get }
    var isOpen: Bool { get }
    /// Whether the loop may hold more of responses that slow clients do not take.
    var mayHoldMore: Bool { get }
    var remoteAddress: SocketAddress? { get }
    /// Whether a response was carried here before.
    var hasServed: Bool { get }

    /// Sends a head, given as HTTP/1 has it, of which what is `unindexed` enters no table; the number of its stream, nil where
    /// there can be none, and how many bytes the head had.
    func submit(
        _ bytes: ByteBuffer, hasBody: Bool, sendsTrailers: Bool, unindexed: UnindexedFields
    ) -> (id: Int32?, length: Int)

    /// A stream has got its number.
    func opened(_ stream: HTTP2UpstreamStream, _ id: Int32)

    /// A stream that was given out was not needed.
    func gaveBack()

    /// A stream has ended, and with it its place in the pool.
    func left(_ stream: any UpstreamWire)

    /// Nothing follows what was offered, but for trailers without those `stripped`.
    func endBody(_ trailers: TrailerSection?, _ stripped: StrippedNames, of id: Int32)

    /// Ends a stream at once.
    func reset(_ id: Int32, _ code: HTTP2ErrorCode)

    /// Sends what waits, once everything that goes on now is done.
    func flushSoon()

    func secured() -> EventLoopFuture<Void>
}

/// One stream of an HTTP/2 connection to an upstream: carries one request, and is the wire of its exchange.
///
/// It holds what of the request waits to be sent (`PayloadQueue`); what came of the response is the client's at once, and
/// the upstream may send as much more once the client takes it. A class, since exchange, pool and connection refer to it;
/// it is let go of when the stream ends.
final class HTTP2UpstreamStream: UpstreamWire {
    var place = PooledPlace()
    private let connection: any HTTP2UpstreamStreamOwner
    /// Whose request it carries.
    private var client: (any UpstreamClient)?
    /// Its number; nil before the head was sent.
    private(set) var id: Int32?
    private var outbound = PayloadQueue()
    private var isBodyless = true
    private var isHeadRequest = false
    private var sendsTrailers = false
    /// What the client had enter no table of header compression.
    private var unindexed = UnindexedFields()
    private var isResponseBegun = false
    private var trailers: TrailerSection?
    /// Payload that was passed to the client while it took nothing: for so much the stream's window stays shut, and for
    /// how much of it the connection's.
    private var uncreditedBytes = 0
    private var uncreditedOfConnection = 0
    /// Whether nothing is to be added to the request, and whether its stream was given out and has not begun.
    private var isRequestEnded = false
    private var isPromised = true
    private var isEnded = false

    init(connection: any HTTP2UpstreamStreamOwner) {
        self.connection = connection
    }

    // MARK: The request

    func begin(_ client: any UpstreamClient, _ head: borrowing RequestHead) {
        self.client = client
        isBodyless = (head.framing == .none || head.framing == .length(0)) && !head.mayHaveTrailers
        isHeadRequest = head.method == .head
        sendsTrailers = head.fields.contains { $0.known == .te }
        unindexed = UnindexedFields(head)
    }

    func sendHead(_ bytes: ByteBuffer, isWhole: Bool) {
        var bytes = bytes
        let (id, length) = connection.submit(
            bytes, hasBody: !isBodyless, sendsTrailers: sendsTrailers, unindexed: unindexed)
        guard let id else { return lose(.wasUnprocessed) }
        self.id = id
        isPromised = false
        connection.opened(self, id)
        bytes.moveReaderIndex(forwardBy: min(length, bytes.readableBytes))
        if !isBodyless, bytes.readableBytes > 0 {
            sendBody(bytes, isLast: isWhole, trailers: nil, stripped: StrippedNames())
        } else {
            connection.flushSoon()
        }
    }

    func sendBody(_ payload: ByteBuffer, isLast: Bool, trailers: TrailerSection?, stripped: StrippedNames) {
        guard let id, !isBodyless, !isEnded else { return }
        if payload.readableBytes > 0 {
            outbound.append(payload)
            connection.session.offer(payload.readableBytes, stream: id)
        }
        if isLast {
            isRequestEnded = true
            connection.endBody(trailers, stripped, of: id)
        }
        connection.flushSoon()
    }

    var isWritable: Bool { !outbound.isFull }

    /// Takes the next bytes of payload, which are being sent.
    func nextPayload(atMost count: Int) -> ByteBuffer? {
        outbound.next(atMost: count)
    }

    /// Tells the exchange that the upstream takes bytes again, where it does.
    func reportWritable() {
        if isWritable { client?.upstreamIsWritable() }
    }

    // MARK: The response

    func responseCame(_ head: ResponseHead, _ bytes: [UInt8], isWhole: Bool) {
        guard let client else { return }
        if head.status < 200 {
            let isPassed = head.status != 101 && bytes.withUnsafeBytes { client.interimCame(head, $0) }
            if !isPassed { fail(.interimResponses) }
            return
        }
        var head = head
        // HTTP/2 says no length where nothing follows; a client of HTTP/1 must hear of it (RFC 9112 §6.3).
        if isWhole, !isHeadRequest, head.status != 204, head.status != 304 { head.framing = .length(0) }
        if isHeadRequest || head.status == 204 || head.status == 304 { head.framing = .none }
        isResponseBegun = true
        bytes.withUnsafeBytes { client.responseBegan(head, $0) }
        if isWhole { ended() }
    }

    func dataCame(_ payload: ByteBuffer) {
        guard let client, isResponseBegun else { return credit(payload.readableBytes) }
        client.responseBodyCame(payload)
        if self.client?.isClientWritable ?? true {
            credit(payload.readableBytes)
        } else {
            owe(payload.readableBytes)
        }
    }

    /// A client that takes nothing shuts its own stream's window; the connection's, which the responses of others need, only
    /// once the loop holds as much for slow clients as it may.
    private func owe(_ count: Int) {
        uncreditedBytes += count
        guard connection.mayHoldMore else {
            uncreditedOfConnection += count
            return
        }
        connection.session.consumed(ofConnection: count)
        connection.flushSoon()
    }

    /// Everything of this read was passed on.
    func paused() {
        client?.responsePaused()
    }

    func trailersCame(_ trailers: TrailerSection?) {
        self.trailers = trailers
    }

    /// The response is whole.
    func ended() {
        guard !isEnded, let client, isResponseBegun else { return }
        isEnded = true
        self.client = nil
        // An upstream that responds before it has the whole request gets no more of it, and gives the stream back.
        if !isBodyless, !isRequestEnded || outbound.bytes > 0, let id { connection.reset(id, .cancel) }
        settle()
        leavePool()
        client.responseEnded(trailers: trailers)
    }

    /// The stream is gone.
    func closed(_ code: HTTP2ErrorCode) {
        guard !isEnded else { return }
        if isResponseBegun {
            let client = client
            leave()
            client?.responseBroke()
        } else {
            lose(code == .refusedStream ? .wasUnprocessed : .saidSomething)
        }
    }

    /// The connection is gone.
    func connectionLost() {
        guard !isEnded else { return }
        guard isResponseBegun else { return lose(connection.hasServed ? .wasReused : .wasFresh) }
        let client = client
        leave()
        client?.responseBroke()
    }

    /// The response cannot be used.
    func fail(_ detail: RefusalDetail) {
        guard let client else { return }
        leave()
        if let id { connection.reset(id, .protocolError) }
        client.responseUnusable(detail)
    }

    private func lose(_ loss: ConnectionLoss) {
        let client = client
        leave()
        client?.connectionLost(loss)
    }

    private func credit(_ count: Int) {
        guard count > 0, let id else { return }
        connection.session.consumed(count, stream: id)
        connection.flushSoon()
    }

    func resumeReading() {
        settle()
    }

    /// Opens the windows for what the client has taken by now, or never will.
    private func settle() {
        guard uncreditedBytes > 0, let id else { return }
        connection.session.consumed(uncreditedBytes, ofStream: id)
        connection.session.consumed(ofConnection: uncreditedOfConnection)
        uncreditedBytes = 0
        uncreditedOfConnection = 0
        connection.flushSoon()
    }

    // MARK: Ends

    func cancel(_ client: any UpstreamClient) {
        guard self.client === client else { return }
        discard()
    }

    func discard() {
        let isUnderWay = !isEnded
        leave()
        // The reset stands first in the session's line: of what was given up at most the frame is still sent that was being
        // written.
        if isUnderWay, let id { connection.reset(id, .cancel) }
        settle()
    }

    func park() {
        leave()
    }

    func close() {
        discard()
    }

    /// Nothing more is the exchange's business. What waits to be sent stays until the stream is closed, since a frame may
    /// be under way that it belongs to.
    private func leave() {
        isEnded = true
        client = nil
        leavePool()
    }

    private func leavePool() {
        if isPromised {
            isPromised = false
            connection.gaveBack()
        }
        guard place.isCounted else { return }
        place.isCounted = false
        connection.left(self)
    }

    // MARK: What the pool asks

    var isOpen: Bool { !isEnded && connection.isOpen }
    var isBusy: Bool { client != nil }
    var remoteAddress: SocketAddress? { connection.remoteAddress }
    func secured() -> EventLoopFuture<Void> { connection.secured() }

    // MARK: What HTTP/2 has not

    /// No upstream authenticates a connection that carries the requests of many (RFC 9113 §9.1).
    func serveOneClient() {}

    func sendTunnelled(_ bytes: ByteBuffer) {}

    func endOutput() {}
}
