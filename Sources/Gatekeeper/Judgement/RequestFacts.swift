/// The facts of one request that decide about it; slices of the connection's buffer, valid for one call.
package struct RequestFacts {
    /// The effective host's name, without port (RFC 9112 §3.2.2).
    package let host: UnsafeRawBufferPointer
    /// The first `Authorization` field's value.
    package let authorization: UnsafeRawBufferPointer?
    /// How many `Authorization` fields there are.
    package let authorizationCount: Int
    /// The method's name.
    package var method: UnsafeRawBufferPointer
    /// As written, without the query.
    package var path: UnsafeRawBufferPointer
    /// From its question mark; empty without one.
    package var query = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The values of the `Cookie` fields.
    package var cookies: [UnsafeRawBufferPointer] = []
    /// The host with its port, where the request names one.
    package var authority = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The one `Origin` field's value; empty where there are several.
    package var origin: UnsafeRawBufferPointer?
    /// The one `Sec-Fetch-Site` field's value; empty where there are several.
    package var fetchSite: UnsafeRawBufferPointer?
    /// Whether it asks what another origin's page may do, and has no body (Fetch, "CORS-preflight request").
    package var isPreflight = false
    /// Whether it asks to become something else than HTTP.
    package var isUpgrade = false

    /// A request to `host`; what is not given is a GET of the root.
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

    /// Whether the request only asks (RFC 9110 §9.2.1).
    var isSafe: Bool {
        method.elementsEqual("GET".utf8) || method.elementsEqual("HEAD".utf8)
            || method.elementsEqual("OPTIONS".utf8)
    }

    /// Whether a page of the host itself, or of one of `origins`, made the request: what a browser says of it must say
    /// so, and nothing that it says may say otherwise.
    func isFrom(hostItselfOr origins: [[UInt8]]) -> Bool {
        let said = origin.map { WebOrigin($0) }
        if let said, let said, origins.contains(said.canonical) { return true }
        let isHost = said.map { $0?.isOrigin(of: authority) ?? false }
        if let fetchSite { return fetchSite.elementsEqual("same-origin".utf8) && isHost != false }
        return isHost == true
    }
}
