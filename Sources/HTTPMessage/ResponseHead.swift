/// A response's head in the one form that every wire makes of it: offsets into bytes that it does not own. Whoever
/// passes a head on passes those bytes beside it.
package struct ResponseHead: Sendable {
    /// How many bytes the head takes up, through the empty line where it has one.
    package var headLength = 0
    /// The status, 100 to 999.
    package var status = 200
    /// The reason phrase; often empty, and always over HTTP/2.
    package var reason = HeadSlice()
    /// Whether the upstream speaks HTTP/1.0.
    package var isHTTP10 = false
    /// Every field, in the order in which it was sent.
    package var fields: [HeadField] = []
    /// How the end of the response's body is told.
    package var framing = BodyFraming.none
    /// Whether trailers may follow though there is no body: HTTP/2 tells a message's end apart from its length.
    package var mayHaveTrailers = false
    /// What `Content-Length` said, also where there is no body (HEAD, 304); nil beside `Transfer-Encoding`.
    package var contentLength: UInt64?
    /// Whether the fields announce a body that the response may not have (interim responses, 204, 304, HEAD; RFC 9112
    /// §6.3): an upstream that sends it nonetheless would have it read as its next response.
    package var announcesForbiddenBody = false
    /// Whether the upstream leaves the connection open.
    package var isPersistent = true
    /// `timeout` of a `Keep-Alive` field, in seconds.
    package var keepAliveSeconds: Int?
    /// Whether `Connection` names more than `close` and `keep-alive`.
    package var connectionNamesOthers = false
    /// Whether the upstream authenticates the connection, not the request (NTLM, Negotiate).
    package var authenticatesConnection = false

    /// A head of which nothing is known yet.
    package init() {}

    /// Takes `fields` for the head's own, and over from their summary what means the same on every wire. Framing and
    /// persistence are left: each wire has rules of its own for them.
    package mutating func take(_ fields: [HeadField], _ summary: borrowing FieldSummary) {
        self.fields = fields
        contentLength = summary.encoding == .none ? summary.contentLength : nil
        keepAliveSeconds = summary.keepAliveSeconds
        connectionNamesOthers = summary.connectionNamesOthers
        authenticatesConnection = summary.authenticatesConnection
    }
}
