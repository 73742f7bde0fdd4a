import Gatekeeper

/// Who may ask the admin port for what. A pure judgement of a request's head.
struct AdminAccess: Sendable {
    /// The part of a request's head that matters here.
    struct RequestHead: Sendable {
        var method: String
        /// The path of the target, as it came, without the query.
        var path: String
        /// `Host`, as it came; nil where there is none.
        var host: String?
        var origin: String?
        var authorization: String?
    }

    /// What the admin port shows or does.
    enum Page: Sendable, Equatable {
        /// Whether the process runs.
        case live
        /// Whether it is ready to be sent requests.
        case ready
        /// The state of everything.
        case status
        /// What happens, as it happens.
        case events
        /// Fetches the keys of a pool at once.
        case refresh(PoolID)
    }

    /// What the judgement comes to.
    enum Verdict: Sendable, Equatable {
        case page(Page)
        case refused(Refusal)
    }

    /// Why a request is refused; the raw value is the word that the client gets.
    enum Refusal: String, Sendable, Equatable {
        case hostNotAllowed = "host_not_allowed"
        case originNotAllowed = "origin_not_allowed"
        case tokenNeeded = "token_needed"
        case methodNotAllowed = "method_not_allowed"
        case notFound = "not_found"

        /// The status of the response.
        var status: Int {
            switch self {
            case .hostNotAllowed, .originNotAllowed: 403
            case .tokenNeeded: 401
            case .methodNotAllowed: 405
            case .notFound: 404
            }
        }
    }

    /// The bearer token that requests must have (RFC 6750 §2.1); nil where none is needed.
    let token: Secret?
    /// The names that `Host` may have besides loopback names and addresses.
    let hosts: [Host]

    /// Judges a request. The first of these checks that fails decides: `Host`, since a foreign web page may have its own
    /// name resolve to this address (DNS rebinding); the token; the path; the method; and for a POST `Origin`, since a
    /// foreign web page may make a browser post here (cross-site request forgery).
    ///
    /// Load balancers ask for `/live` and `/ready` in HTTP/1.0 without a `Host`. No browser can do that, so it is allowed.
    func judge(_ head: RequestHead) -> Verdict {
        let target = AdminAccess.target(head.path)
        let authority = head.host ?? ""
        let isProbe = target?.page == .live || target?.page == .ready
        guard authority.isEmpty ? isProbe : isAllowed(authority) else { return .refused(.hostNotAllowed) }
        guard target?.page == .live || target?.page == .ready || isAuthorized(head.authorization) else {
            return .refused(.tokenNeeded)
        }
        guard let target else { return .refused(.notFound) }
        guard target.methods.contains(head.method) else { return .refused(.methodNotAllowed) }
        guard head.method != "POST" || AdminAccess.isSameOrigin(head.origin, authority) else {
            return .refused(.originNotAllowed)
        }
        return .page(target.page)
    }

    /// The methods that the path has; nil where there is no such path.
    static func methods(of path: String) -> [String]? { target(path)?.methods }

    private static func target(_ path: String) -> (page: Page, methods: [String])? {
        switch path {
        case "/live": return (.live, ["GET", "HEAD"])
        case "/ready": return (.ready, ["GET", "HEAD"])
        case "/status": return (.status, ["GET", "HEAD"])
        case "/events": return (.events, ["GET"])
        default: break
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].isEmpty, parts[1] == "pools", parts[3] == "refresh",
            let poolID = PoolID(String(parts[2]))
        else { return nil }
        return (.refresh(poolID), ["POST"])
    }

    private func isAllowed(_ authority: String) -> Bool {
        guard let name = AdminAccess.name(in: authority) else { return false }
        if IPAddress.isIPv4(name) || IPAddress.isIPv6(name) || LoopbackName.matches(name) {
            return true
        }
        return hosts.contains { $0.bytes.elementsEqual(name.lowercased().utf8) }
    }

    private func isAuthorized(_ authorization: String?) -> Bool {
        guard let token else { return true }
        guard let authorization else { return false }
        let bytes = Array(authorization.utf8)
        guard bytes.count > 7, String(decoding: bytes[..<7], as: UTF8.self).lowercased() == "bearer " else {
            return false
        }
        return token.matches(Array(bytes[7...].drop { $0 == 0x20 }))
    }

    /// The host of an authority without port and brackets (RFC 3986 §3.2.2); nil where it is no host.
    private static func name(in authority: String) -> String? {
        let bytes = Array(authority.utf8)
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), isPort(bytes[(end + 1)...]) else {
                return nil
            }
            let name = String(decoding: bytes[1..<end], as: UTF8.self)
            return IPAddress.isIPv6(name) ? name : nil
        }
        let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
        guard isPort(bytes[end...]) else { return nil }
        var name = bytes[..<end]
        if name.last == UInt8(ascii: ".") { name = name.dropLast() }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    /// Whether the bytes are empty, or a colon and a port.
    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return true }
        return first == UInt8(ascii: ":") && Digits.number(bytes.dropFirst(), atMost: 65_535) != nil
    }

    /// Whether `Origin` is the request's own authority with `http`, or with `https` where something before this port ends
    /// TLS.
    private static func isSameOrigin(_ origin: String?, _ authority: String) -> Bool {
        guard let origin else { return false }
        return ["http", "https"].contains {
            "\($0)://\(authority)".lowercased().utf8.elementsEqual(origin.lowercased().utf8)
        }
    }
}
