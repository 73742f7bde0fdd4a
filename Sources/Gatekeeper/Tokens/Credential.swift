import HTTPMessage

/// What a request has to prove who is calling.
package enum Credential {
    /// Nothing that the gateway takes for a credential.
    case none
    /// One bearer token, whose bytes nobody has looked at yet.
    case token(UnsafeRawBufferPointer, from: TokenPlace)
    /// Two tokens or more in one place, of which nobody could say which counts.
    case several(in: TokenPlace)

    /// Reads the one `Authorization` field (RFC 6750 §2.1); other schemes, and `Bearer` with nothing behind it, are no
    /// credential to this gateway.
    package init(authorization value: UnsafeRawBufferPointer?, count: Int) {
        guard count <= 1 else {
            self = .several(in: .authorization)
            return
        }
        guard let value, ByteScanner.begins(value, with: "bearer") else {
            self = .none
            return
        }
        var start = 6
        while start < value.count, value[start] == ASCII.space { start += 1 }
        guard start > 6, start < value.count else {
            self = .none
            return
        }
        self = .token(UnsafeRawBufferPointer(rebasing: value[start...]), from: .authorization)
    }

    /// Reads the places in which the tenant lets tokens stand: `Authorization`, then the query's parameter, then the
    /// cookie. The first that holds one counts, so that what a client wrote on purpose wins over the cookie that a browser
    /// sends by itself.
    init(_ request: RequestFacts, _ tenant: Tenant) {
        self.init(authorization: request.authorization, count: request.authorizationCount)
        if case .none = self, let name = tenant.queryParameter {
            QueryParameters.each(in: request.query) { parameter in
                if parameter.isNamed(name) { add(parameter.value, from: .query) }
            }
        }
        if case .none = self, let name = tenant.cookieName {
            request.cookies.each { cookies in
                Cookies.each(in: cookies) { pair in
                    if pair.isNamed(name) { add(pair.value, from: .cookie) }
                }
            }
        }
    }

    /// Takes one more value from the place that is being read. An empty value counts as none, and the same value twice as
    /// one; two that differ are several credentials.
    private mutating func add(_ token: UnsafeRawBufferPointer, from source: TokenPlace) {
        guard !token.isEmpty else { return }
        switch self {
        case .none: self = .token(token, from: source)
        case .token(let other, _):
            if !UnsafeRawBufferPointer.areEqual(other, token) { self = .several(in: source) }
        case .several: break
        }
    }
}
