import ExternalAuthorization
import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// The connection that a stream belongs to, as the stream sees it.
///
/// A protocol, so that a stream does not name what makes it.
protocol HTTP2ClientStreamOwner: AnyObject {
    var worker: Worker { get }

    /// What is to be known of whoever speaks here.
    var peer: ClientPeer { get }

    /// Payload of the request was used, or is not wanted; so much of it was held.
    func consumed(_ count: Int, held: Int, by stream: HTTP2ClientStream)

    /// So much more payload of requests waits.
    func holds(_ count: Int)

    /// Whether it holds so much of requests that those whose upstreams take nothing are to end.
    var isOverdrawn: Bool { get }

    /// Sends an interim response.
    func sendInterim(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, of stream: HTTP2ClientStream)

    /// Sends a response's head.
    func beginResponse(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, hasBody: Bool,
        of stream: HTTP2ClientStream)

    /// Whether a gRPC response has begun and its call is not among those that are judged anew.
    var hasNewCalls: Bool { get set }

    /// Whether the connection may hold more of any response.
    var hasRoom: Bool { get }

    /// So much more of responses waits, or less.
    func waitingChanged(by count: Int)

    /// So much payload can be sent.
    func offer(_ count: Int, of stream: HTTP2ClientStream)

    /// Nothing follows what was offered, but for trailers.
    func endBody(_ trailers: TrailerSection?, of stream: HTTP2ClientStream)

    /// Nothing follows what was offered, but for the status by which gRPC is told of a refusal.
    func endBody(status row: RefusalRow, of stream: HTTP2ClientStream)

    /// Sends a refusal's head, and its body where it has one.
    func refuse(_ row: RefusalRow, _ request: RefusedRequest, of stream: HTTP2ClientStream)

    /// Says yes to a question.
    func answer(_ answer: Answer, of stream: HTTP2ClientStream)

    /// Whether a request may begin now: not while it has to wait for its turn behind some that were refused. Its tenant is
    /// asked for where that matters.
    func mayBegin(_ tenant: () -> HostPattern?) -> Bool

    /// A request of `tenant` was refused for what it is, so that some behind it wait for their turn.
    func refusedOne(of tenant: HostPattern?)

    /// A stream waits for a turn of `tenant`, or does no longer.
    func heldBack(_ change: Int, of tenant: HostPattern?)

    /// Begins a gRPC response of our own.
    func beginCall(of stream: HTTP2ClientStream)

    /// Ends it with a status; nil is OK.
    func endCall(_ refusal: CallRefusal?, of stream: HTTP2ClientStream)

    /// Responds to a gRPC call with a status alone.
    func refuse(_ refusal: CallRefusal, of stream: HTTP2ClientStream)

    /// Counts bytes of calls' messages that are held; whether the connection may hold so many.
    func collect(_ count: Int) -> Bool

    /// Such bytes are held no longer.
    func uncollect(_ count: Int)

    /// Calls that watch the gateway's health.
    var watches: Int { get set }

    /// Ends the stream at once.
    func reset(_ stream: HTTP2ClientStream, _ code: HTTP2ErrorCode)

    /// Sends what waits, once everything that goes on now is done.
    func flushSoon()
}
