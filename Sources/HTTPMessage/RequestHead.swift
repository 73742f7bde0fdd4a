/// A request's head in the one form that every wire makes of it: offsets into bytes that it does not own. Whoever passes
/// a head on passes those bytes beside it.
///
/// HTTP/1 heads lie in the bytes that the client sent. A wire whose heads come in another form writes their parts down
/// with a `HeadBuilder` and sets the properties here.
package struct RequestHead: Sendable {
    /// How many bytes the head takes up, through the empty line where it has one.
    package var headLength = 0
    /// The method, where it is one that matters to a proxy.
    package var method = Method.get
    /// The method's name as it was written.
    package var methodName = HeadSlice()
    /// In which form the target was written.
    package var targetForm = TargetForm.origin
    /// The target's path as written, without the query; empty in an absolute target without a path, and in `*`.
    package var path = HeadSlice()
    /// The target's query from its `?` on, which is part of it; empty without one.
    package var query = HeadSlice()
    /// Whether the client speaks HTTP/1.0: it knows no chunks and no interim responses.
    package var isHTTP10 = false
    /// Every field, in the order in which it was sent.
    package var fields: [HeadField] = []
    /// How the end of the request's body is told; never `.untilClose`.
    package var framing = BodyFraming.none
    /// Whether trailers may follow though there is no body: HTTP/2 tells a message's end apart from its length.
    package var mayHaveTrailers = false
    /// Whether the client wants to send further requests on the connection (RFC 9112 §9.3).
    package var isPersistent = true
    /// Whether the client waits for 100 before it sends the body (RFC 9110 §10.1.1).
    package var expectsContinue = false
    /// The authority that the request is for: `Host`, with which an absolute target's must agree, else the target's
    /// (RFC 9112 §3.3); empty in HTTP/1.0 without either.
    package var authority = HeadSlice()
    /// The host of `authority`, without its port.
    package var host = HeadSlice()
    /// The value of the first `Authorization` field.
    package var authorization: HeadSlice?
    /// How many `Authorization` fields there are.
    package var authorizationCount = 0
    /// Whether `Authorization` is of a scheme that authenticates the connection, not the request (NTLM, Negotiate).
    package var authenticatesConnection = false
    /// Whether `Connection` names more than `close` and `keep-alive`.
    package var connectionNamesOthers = false
    /// Whether there is a `Via` field.
    package var hasVia = false
    /// Whether a field tells of the way so far: `X-Forwarded-For`, `-Proto` or `-Port`.
    package var saysWay = false
    /// Whether a field tells where a browser's request comes from: `Cookie`, `Origin`, `Sec-Fetch-Site`, or the method
    /// that a preflight asks for.
    package var saysOrigin = false
    /// Whether a field names the request or the trace that it is part of: `X-Request-Id`, `traceparent` or `tracestate`.
    package var saysTrace = false
    /// Whether the client had the target or the authority enter no table of header compression (RFC 7541 §6.2.3).
    package var isTargetUnindexed = false
    /// What `Upgrade` asks for.
    package var upgrade = UpgradeRequest.none

    /// A head of which nothing is known yet.
    package init() {}

    /// Takes `fields` for the head's own, and over from their summary what means the same on every wire. The authority,
    /// framing, persistence and an upgrade are left: each wire has rules of its own for them.
    package mutating func take(_ fields: [HeadField], _ summary: borrowing FieldSummary) {
        self.fields = fields
        authorization = summary.authorization
        authorizationCount = summary.authorizationCount
        authenticatesConnection = summary.authenticatesConnection
        connectionNamesOthers = summary.connectionNamesOthers
        hasVia = summary.hasVia
        saysWay = summary.saysWay
        saysOrigin = summary.saysOrigin
        saysTrace = summary.saysTrace
    }
}
