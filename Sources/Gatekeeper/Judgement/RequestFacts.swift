/// What a judgement reads of a request: slices of the buffer that holds its head, valid for the call.
package struct RequestFacts {
    /// The effective host's name, without port (RFC 9112 §3.2.2).
    package let host: UnsafeRawBufferPointer
    /// The first `Authorization` field's value.
    package let authorization: UnsafeRawBufferPointer?
    /// How many `Authorization` fields there are.
    package let authorizationCount: Int
    /// The method's name.
    package var method: UnsafeRawBufferPointer
    /// The path as it is written, without the query; empty where the target has none.
    package var path: UnsafeRawBufferPointer
    /// The query with its question mark; empty where there is none.
    package var query = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The values of the `Cookie` fields.
    package var cookies = FieldValues()
    /// The host with its port, where the request names one.
    package var authority = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The one `Origin` field's value; empty where there are several.
    package var origin: UnsafeRawBufferPointer?
    /// The one `Sec-Fetch-Site` field's value; empty where there are several.
    package var fetchSite: UnsafeRawBufferPointer?
    /// Whether it is a CORS preflight, which asks what a page of another origin may do (Fetch, "CORS-preflight
    /// request"), and has no body.
    package var isPreflight = false
    /// Whether it asks for WebSocket (RFC 9110 §7.8).
    package var isUpgrade = false
    /// Whether the gateway is to forward it, and so must know where to; false where a proxy asks that forwards it itself.
    package var needsUpstream = true

    /// The facts of a request for `host`: of a GET of the root, where nothing else is given.
    package init(
        host: UnsafeRawBufferPointer, authorization: UnsafeRawBufferPointer?, authorizationCount: Int,
        method: UnsafeRawBufferPointer = RequestFacts.get, path: UnsafeRawBufferPointer = RequestFacts.root
    ) {
        self.host = host
        self.authorization = authorization
        self.authorizationCount = authorizationCount
        self.method = method
        self.path = path
    }

    /// `GET`.
    package static var get: UnsafeRawBufferPointer { bytes("GET") }
    /// `/`.
    package static var root: UnsafeRawBufferPointer { bytes("/") }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    /// Whether the method is safe: it only reads (RFC 9110 §9.2.1).
    var isSafe: Bool {
        method.elementsEqual("GET".utf8) || method.elementsEqual("HEAD".utf8)
            || method.elementsEqual("OPTIONS".utf8)
    }

    /// Whether a browser says that a page of the host itself, or of one of `origins`, caused the request.
    ///
    /// `Origin` and `Sec-Fetch-Site` both count: one of them must say so, and neither may say otherwise.
    func isFrom(hostItselfOr origins: [[UInt8]]) -> Bool {
        let said = origin.map { WebOrigin($0) }
        if let said, let said, origins.contains(said.canonical) { return true }
        let isHost = said.map { $0?.isOrigin(of: authority) ?? false }
        if let fetchSite { return fetchSite.elementsEqual("same-origin".utf8) && isHost != false }
        return isHost == true
    }
}
