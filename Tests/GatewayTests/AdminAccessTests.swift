import Foundation
import Gatekeeper
import Testing

@testable import Gateway

@Suite struct AdminAccessTests {
    private let open = AdminAccess(token: nil, hosts: [])
    private let guarded = AdminAccess(token: Secret(bytes: Array("s3cret".utf8)), hosts: [])

    private func ask(
        _ gate: AdminAccess, _ path: String, method: String = "GET", host: String? = "127.0.0.1:9901",
        origin: String? = nil, authorization: String? = nil
    ) -> AdminAccess.Verdict {
        gate.judge(
            .init(method: method, path: path, host: host, origin: origin, authorization: authorization))
    }

    @Test("Each page is reached by its path")
    func paths() throws {
        #expect(ask(open, "/live") == .page(.live))
        #expect(ask(open, "/ready", method: "HEAD") == .page(.ready))
        #expect(ask(open, "/status") == .page(.status))
        // Whoever verifies assertions needs no token for the keys.
        #expect(ask(guarded, "/.well-known/poolgate/jwks.json") == .page(.assertionKeys))
        let pool = try #require(PoolReference.pool("eu-west-1_abc"))
        let path = "/pools/eu-west-1_abc/refresh"
        #expect(ask(open, path, method: "POST", origin: "http://127.0.0.1:9901") == .page(.refresh(pool)))
        let long = "/pools/eu-west-1/eu-west-1_abc/refresh"
        #expect(ask(open, long, method: "POST", origin: "http://127.0.0.1:9901") == .page(.refresh(pool)))
    }

    @Test(
        "Every other path is not found",
        arguments: [
            "/nothing", "/Live", "/live/", "//live", "/pools/eu-west-1_abc", "/pools//refresh",
            "/pools/x/refresh",
            "/pools/eu-west-1_abc/refresh/", "/pools/eu-west-1_a%62c/refresh", "", "*", "/tenants",
            "/tenants/",
            "/tenants/A.example", "/tenants/a.example/", "/tenants/%3Cscript%3E", "/tenants/a%2Fb",
            "/assets/",
        ])
    func unknownPaths(path: String) {
        #expect(ask(open, path) == .refused(.notFound))
    }

    @Test("A page is read with GET or HEAD, a refresh is a POST")
    func methods() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
            #expect(
                ask(open, "/status", method: method, origin: "http://127.0.0.1:9901")
                    == .refused(.methodNotAllowed))
        }
        #expect(ask(open, "/pools/eu-west-1_abc/refresh") == .refused(.methodNotAllowed))
    }

    @Test(
        "Addresses and loopback names may stand in Host",
        arguments: [
            "127.0.0.1", "127.0.0.1:9901", "10.1.2.3:80", "localhost", "LOCALHOST:1", "x.localhost",
            "localhost.",
            "[::1]",
            "[::1]:9901", "[fd00::1]",
        ])
    func addresses(host: String) {
        #expect(ask(open, "/live", host: host) == .page(.live))
    }

    @Test(
        "A probe of HTTP/1.0 names no host, which no browser does; nothing but liveness is told to it",
        arguments: [nil, ""] as [String?])
    func oldProbes(
        host: String?
    ) {
        #expect(ask(open, "/live", host: host) == .page(.live))
        #expect(ask(guarded, "/ready", method: "HEAD", host: host) == .page(.ready))
        #expect(ask(open, "/live", method: "POST", host: host) == .refused(.methodNotAllowed))
        for path in ["/status", "/", "/sign-in", "/tenants/a.example", "/pools/eu-west-1_abc/refresh"] {
            #expect(ask(open, path, host: host) == .refused(.hostNotAllowed))
        }
    }

    @Test(
        "No other name may, since it could be somebody's page in a browser",
        arguments: [
            ":80", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1:99999",
            "127.0.0.1:", "127.0.0.1:x", "user@127.0.0.1", "[::1", "[x]", "[::1]x", "1.2.3", "0x7f000001",
            "127.0.0.1 ",
        ])
    func otherNames(host: String?) {
        #expect(ask(open, "/live", host: host) == .refused(.hostNotAllowed))
    }

    @Test("A listed name may, in any letter case and with any port")
    func listedNames() throws {
        let gate = AdminAccess(token: nil, hosts: [try #require(Host(exact: "admin.example"))])
        for host in ["admin.example", "Admin.Example:9901", "admin.example."] {
            #expect(ask(gate, "/status", host: host) == .page(.status))
        }
        for host in ["sub.admin.example", "admin.example.evil", "adminXexample"] {
            #expect(ask(gate, "/status", host: host) == .refused(.hostNotAllowed))
        }
    }

    @Test("Where a token is set, all but the probes ask for it")
    func token() {
        #expect(ask(guarded, "/live") == .page(.live))
        #expect(ask(guarded, "/ready") == .page(.ready))
        for path in ["/status", "/metrics", "/nowhere", "/pools/eu-west-1_abc/refresh"] {
            #expect(ask(guarded, path) == .refused(.tokenNeeded))
        }
        for wrong in [
            "", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret",
            "Bearers3cret",
        ] {
            #expect(ask(guarded, "/status", authorization: wrong) == .refused(.tokenNeeded), "\(wrong)")
        }
        for right in ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret"] {
            #expect(ask(guarded, "/status", authorization: right) == .page(.status), "\(right)")
        }
    }

    @Test("A POST needs the request's own origin")
    func origin() throws {
        let page = AdminAccess.Verdict.page(.refresh(try #require(PoolReference.pool("eu-west-1_abc"))))
        func post(_ origin: String?, host: String = "127.0.0.1:9901") -> AdminAccess.Verdict {
            ask(open, "/pools/eu-west-1_abc/refresh", method: "POST", host: host, origin: origin)
        }
        #expect(post("http://127.0.0.1:9901") == page)
        #expect(post("https://127.0.0.1:9901") == page)
        #expect(post("http://LocalHost:1", host: "localhost:1") == page)
        for origin in [
            nil, "", "null", "http://127.0.0.1", "http://127.0.0.1:9902", "http://evil.example",
            "127.0.0.1:9901",
        ] {
            #expect(post(origin) == .refused(.originNotAllowed))
        }
    }

    @Test("The pages for people are reached by their paths, a wildcard's in either spelling")
    func pages() throws {
        let host = try #require(HostPattern("*.acme.example"))
        #expect(ask(open, "/") == .page(.overview))
        #expect(ask(open, "/tenants/*.acme.example") == .page(.tenant(host)))
        #expect(ask(open, "/tenants/%2A.acme.example") == .page(.tenant(host)))
        #expect(ask(open, "/tenants/*.acme.example/explain") == .refused(.methodNotAllowed))
        #expect(
            ask(open, "/tenants/*.acme.example/explain", method: "POST", origin: "http://127.0.0.1:9901")
                == .page(.explain(host)))
    }

    @Test("Where a token is set, a session opens what the token opens, and signing in needs neither")
    func sessions() {
        var head = AdminAccess.RequestHead(method: "GET", path: "/", host: "127.0.0.1:9901")
        #expect(guarded.judge(head) == .refused(.tokenNeeded))
        head.hasSession = true
        #expect(guarded.judge(head) == .page(.overview))
        #expect(ask(guarded, "/sign-in") == .page(.signIn))
        #expect(ask(guarded, "/assets/page.css") == .page(.asset("page.css")))
        #expect(ask(guarded, "/sign-in", method: "POST") == .refused(.originNotAllowed))
        #expect(ask(guarded, "/sign-in", host: "evil.example") == .refused(.hostNotAllowed))
        // A session is no way around the check of a form's origin.
        head.method = "POST"
        head.path = "/tenants/a.example/explain"
        head.origin = "http://evil.example"
        #expect(guarded.judge(head) == .refused(.originNotAllowed))
    }

    @Test(
        "What another site's page makes a browser fetch is refused; whoever follows a link from there is not")
    func foreignPages() {
        var head = AdminAccess.RequestHead(method: "GET", path: "/", host: "127.0.0.1:9901")
        for (site, mode, isRefused) in [
            ("cross-site", "no-cors", true), ("same-site", "cors", true), ("cross-site", "navigate", false),
            ("same-origin", "cors", false), ("none", "navigate", false),
        ] {
            head.fetchSite = site
            head.fetchMode = mode
            #expect(
                open.judge(head) == (isRefused ? .refused(.foreignPage) : .page(.overview)), "\(site) \(mode)"
            )
        }
        head.method = "POST"
        head.path = "/sign-out"
        head.fetchSite = "cross-site"
        head.fetchMode = "navigate"
        head.origin = "http://127.0.0.1:9901"
        #expect(open.judge(head) == .refused(.foreignPage))
    }

    @Test("Every path of the admin port stands in the guide, with its methods and whether it needs the token")
    func routesAreTold() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: top.appending(path: "ops/guide/status-page.md"), encoding: .utf8)
        let told = page.split(separator: "\n").filter { $0.hasPrefix("| `/") }.map { line in
            line.split(separator: "|").prefix(3).map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let routes = AdminAccess.routes.map { route in
            [
                "`\(route.pattern)`", route.methods.joined(separator: ", "),
                route.isOpen ? "no" : "yes",
            ]
        }
        #expect(told == routes)
    }
}
