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
        /// Whether a cookie names a session that somebody began with the token.
        var hasSession = false
        /// Whether so many wrong tokens came from there that none is looked at now.
        var isBraked = false
        /// `Sec-Fetch-Site` and `Sec-Fetch-Mode`, by which a browser says whose page causes a request, and how (W3C Fetch
        /// Metadata Request Headers §2).
        var fetchSite: String?
        var fetchMode: String?
    }

    /// What the admin port shows or does.
    enum Page: Sendable, Equatable {
        /// Whether the process runs.
        case live
        /// Whether it is ready to be sent requests.
        case ready
        /// The state of everything.
        case status
        /// What was counted.
        case metrics
        /// What happens, as it happens.
        case events
        /// The keys that assertions are verified by.
        case assertionKeys
        /// Fetches the keys of a pool at once.
        case refresh(PoolName)
        /// The status page, for people.
        case overview
        /// The page of a tenant.
        case tenant(HostPattern)
        /// The page of a tenant with the explanation of a request.
        case explain(HostPattern)
        /// A file that the pages need, by its name.
        case asset(String)
        /// Begins a session in a browser, and ends it there.
        case signIn
        case signOut

        /// Whether it is shown to people in a browser.
        var isForPeople: Bool {
            switch self {
            case .overview, .tenant, .explain, .signIn, .signOut: true
            case .live, .ready, .status, .metrics, .events, .assertionKeys, .refresh, .asset: false
            }
        }
    }

    /// A path of the admin port.
    struct Route: Sendable {
        /// How the path is written; words in capitals stand for values.
        let pattern: String
        /// The methods that it has; GET includes HEAD.
        let methods: [String]
        /// Whether it needs no token, even off loopback.
        var isOpen = false
        /// Whether it may be asked for in HTTP/1.0 without `Host`.
        var isProbe = false
        /// What is there, given the path's values; nil where they are none.
        let page: @Sendable ([String]) -> Page?
    }

    /// Every path of the admin port.
    static let routes: [Route] = [
        Route(pattern: "/live", methods: ["GET"], isOpen: true, isProbe: true) { _ in .live },
        Route(pattern: "/ready", methods: ["GET"], isOpen: true, isProbe: true) { _ in .ready },
        Route(pattern: "/status", methods: ["GET"]) { _ in .status },
        Route(pattern: "/metrics", methods: ["GET"]) { _ in .metrics },
        Route(pattern: "/events", methods: ["GET"]) { _ in .events },
        Route(pattern: KeySetCaching.path, methods: ["GET"], isOpen: true) { _ in
            .assertionKeys
        },
        Route(pattern: "/pools/POOL/refresh", methods: ["POST"]) { values in
            PoolReference.pool(values[0]).map(Page.refresh)
        },
        Route(pattern: "/pools/REGION/POOL/refresh", methods: ["POST"]) { values in
            PoolReference.pool("\(values[0])/\(values[1])").map(Page.refresh)
        },
        Route(pattern: "/", methods: ["GET"]) { _ in .overview },
        Route(pattern: "/tenants/HOST", methods: ["GET"]) { values in
            HostPattern(FormFields.decoded(values[0].utf8)).map(Page.tenant)
        },
        Route(pattern: "/tenants/HOST/explain", methods: ["POST"]) { values in
            HostPattern(FormFields.decoded(values[0].utf8)).map(Page.explain)
        },
        Route(pattern: "/assets/NAME", methods: ["GET"], isOpen: true) { values in .asset(values[0]) },
        Route(pattern: "/sign-in", methods: ["GET", "POST"], isOpen: true) { _ in .signIn },
        Route(pattern: "/sign-out", methods: ["POST"]) { _ in .signOut },
    ]

    /// What the judgement comes to.
    enum Verdict: Sendable, Equatable {
        case page(Page)
        case refused(Refusal)
    }

    /// Why a request is refused; the raw value is the word that the client gets.
    enum Refusal: String, Sendable, Equatable {
        case hostNotAllowed = "host_not_allowed"
        case originNotAllowed = "origin_not_allowed"
        case foreignPage = "foreign_page"
        case tokenNeeded = "token_needed"
        case tooManyTokens = "too_many_tokens"
        case methodNotAllowed = "method_not_allowed"
        case notFound = "not_found"

        /// The status of the response.
        var status: Int {
            switch self {
            case .hostNotAllowed, .originNotAllowed, .foreignPage: 403
            case .tokenNeeded: 401
            case .tooManyTokens: 429
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
    /// name resolve to this address (DNS rebinding); whose page causes the request, where a browser says that; the token,
    /// or a session that began with it; the path; the method; and for a POST `Origin`, since a foreign web page may make a
    /// browser post here (cross-site request forgery).
    ///
    /// Load balancers ask for `/live` and `/ready` in HTTP/1.0 without a `Host`. No browser can do that, so it is allowed.
    func judge(_ head: RequestHead) -> Verdict {
        let target = AdminAccess.target(head.path)
        let authority = head.host ?? ""
        guard authority.isEmpty ? target?.route.isProbe == true : isAllowed(authority) else {
            return .refused(.hostNotAllowed)
        }
        guard !AdminAccess.isOfForeignPage(head) else { return .refused(.foreignPage) }
        if target?.route.isOpen != true, !head.hasSession, token != nil {
            guard let authorization = head.authorization else { return .refused(.tokenNeeded) }
            guard !head.isBraked else { return .refused(.tooManyTokens) }
            guard isAuthorized(authorization) else { return .refused(.tokenNeeded) }
        }
        guard let target else { return .refused(.notFound) }
        let methods = target.route.methods
        guard methods.contains(head.method) || head.method == "HEAD" && methods.contains("GET") else {
            return .refused(.methodNotAllowed)
        }
        guard head.method != "POST" || AdminAccess.isSameOrigin(head.origin, authority) else {
            return .refused(.originNotAllowed)
        }
        return .page(target.page)
    }

    /// The methods that the path has; nil where there is no such path.
    static func methods(of path: String) -> [String]? {
        target(path).map { $0.route.methods.flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] } }
    }

    /// What is at the path; nil where there is nothing.
    static func page(at path: String) -> Page? { target(path)?.page }

    private static func target(_ path: String) -> (route: Route, page: Page)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        for route in routes {
            let wanted = route.pattern.split(separator: "/", omittingEmptySubsequences: false)
            guard wanted.count == parts.count else { continue }
            let isValue = wanted.map { $0.first?.isUppercase == true }
            guard zip(isValue, zip(wanted, parts)).allSatisfy({ $0 ? !$1.1.isEmpty : $1.0 == $1.1 }) else {
                continue
            }
            return route.page(zip(isValue, parts).filter(\.0).map { String($0.1) }).map { (route, $0) }
        }
        return nil
    }

    /// Whether a browser says that another site's page causes the request. Whoever follows a link from there is welcome.
    private static func isOfForeignPage(_ head: RequestHead) -> Bool {
        guard let site = head.fetchSite, site != "same-origin", site != "none" else { return false }
        return head.method != "GET" || head.fetchMode != "navigate"
    }

    private func isAllowed(_ authority: String) -> Bool {
        guard let name = AdminAccess.name(in: authority) else { return false }
        if IPAddress.isIPv4(name) || IPAddress.isIPv6(name) || LoopbackName.matches(name) {
            return true
        }
        return hosts.contains { $0.bytes.elementsEqual(name.lowercased().utf8) }
    }

    private func isAuthorized(_ authorization: String) -> Bool {
        guard let token else { return true }
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
