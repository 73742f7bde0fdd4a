/// Methods that matter to a proxy; every other one is carried as it is.
package enum Method: Sendable, Hashable {
    case get, head, options, put, delete, other

    /// Whether sending a request twice does what sending it once does (RFC 9110 §9.2.2).
    package var isIdempotent: Bool { self != .other }
}

/// The four forms of a request target (RFC 9112 §3.2); CONNECT's authority form is refused before.
package enum TargetForm: Sendable, Hashable {
    case origin, absolute, asterisk
}

/// A request's head: offsets into the bytes it was read from, nothing copied.
package struct RequestHead: Sendable {
    /// Bytes through the empty line.
    package var headLength = 0
    package var method = Method.get
    package var methodName = HeadSlice()
    package var targetForm = TargetForm.origin
    /// As written, without the query; empty in an absolute target without path.
    package var path = HeadSlice()
    /// From the `?`, which it holds; empty without one.
    package var query = HeadSlice()
    package var isHTTP10 = false
    package var fields: [HeadField] = []
    package var framing = BodyFraming.none
    /// Whether the client leaves the connection open (RFC 9112 §9.3).
    package var isPersistent = true
    package var expectsContinue = false
    /// The effective authority: of the target, else of `Host` (RFC 9112 §3.3); empty in HTTP/1.0 without either.
    package var authority = HeadSlice()
    /// The host of `authority`, without port.
    package var host = HeadSlice()
    /// The first `Authorization` field's value.
    package var authorization: HeadSlice?
    package var authorizationCount = 0
    /// Whether `Authorization` is of a scheme that authenticates the connection, not the request (NTLM, Negotiate).
    package var authenticatesConnection = false
    /// Whether `Connection` names more than `close` and `keep-alive`.
    package var connectionNamesOthers = false
    package var hasVia = false
    /// Whether a field tells of the way so far: `X-Forwarded-For`, `-Proto` or `-Port`.
    package var saysWay = false
    /// Whether a field tells where a browser's request comes from: `Cookie`, `Origin`, `Sec-Fetch-Site`, or the method
    /// that a preflight asks for.
    package var saysOrigin = false
    package var upgrade = UpgradeRequest.none

    /// That of no request: every slice is empty.
    package init() {}
}
