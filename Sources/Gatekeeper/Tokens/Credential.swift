/// What a request offers as proof of its caller: none, one or several are three different states.
package enum Credential {
    case none
    /// The token's bytes; nothing about them is checked yet.
    case token(UnsafeRawBufferPointer, from: Source)
    case several

    /// Where a token stood.
    package enum Source: Sendable {
        case authorization, cookie, query
    }

    /// Reads the one `Authorization` field (RFC 6750 §2.1); other schemes, and `Bearer` with nothing behind it, are no
    /// credential to this gateway.
    package init(authorization value: UnsafeRawBufferPointer?, count: Int) {
        guard count <= 1 else {
            self = .several
            return
        }
        guard let value, value.count >= 6, Credential.isBearer(value) else {
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

    /// Reads the places in which the tenant lets tokens stand. What a client wrote on purpose wins over what a browser
    /// sends by itself: `Authorization`, then the parameter, then the cookie.
    init(_ request: RequestFacts, _ tenant: Tenant) {
        self.init(authorization: request.authorization, count: request.authorizationCount)
        if case .none = self, let name = tenant.queryParameter {
            QueryParameters.each(in: request.query) { parameter in
                if parameter.isNamed(name) { add(parameter.value, from: .query) }
            }
        }
        if case .none = self, let name = tenant.cookieName {
            for cookies in request.cookies {
                Cookies.each(in: cookies) { pair in
                    if pair.isNamed(name) { add(pair.value, from: .cookie) }
                }
            }
        }
    }

    /// One more value in one place: an empty one is none, the same one twice is one, another one is one too many.
    private mutating func add(_ token: UnsafeRawBufferPointer, from source: Source) {
        guard !token.isEmpty else { return }
        switch self {
        case .none: self = .token(token, from: source)
        case .token(let other, _):
            if !UnsafeRawBufferPointer.areEqual(other, token) { self = .several }
        case .several: break
        }
    }

    /// The scheme's name, letter case ignored (RFC 9110 §11.1).
    private static func isBearer(_ value: UnsafeRawBufferPointer) -> Bool {
        (value[0] | 0x20) == UInt8(ascii: "b") && (value[1] | 0x20) == UInt8(ascii: "e")
            && (value[2] | 0x20) == UInt8(ascii: "a") && (value[3] | 0x20) == UInt8(ascii: "r")
            && (value[4] | 0x20) == UInt8(ascii: "e") && (value[5] | 0x20) == UInt8(ascii: "r")
    }
}
