import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

/// What of a request reaches the upstream, from its bytes to the head that is written.
@Suite struct ForwardedRequestTests {
    private static let rules = #"[{"id":1,"path_prefix":"/","access":"authenticated"}]"#
    private static let preflight = [
        "Host: a", "Origin: https://app.test", "Access-Control-Request-Method: DELETE",
    ]

    /// The head that goes upstream; the refusal's code where none does.
    private func forwarded(_ lines: [String], by fixture: AdmissionFixture) throws -> String {
        let way = ForwardedWay(address: nil, isTLS: false, isTrusted: false, pseudonym: Array("gw".utf8))
        let bytes = Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        return try bytes.withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            switch fixture.verdict(of: RequestFacts(parser.head, bytes)) {
            case .admit(let admission):
                var buffer = ByteBuffer()
                RequestHeadWriter.write(
                    parser.head, bytes, admission, way: way, id: .none, trace: .none, upgrades: false,
                    into: &buffer)
                return String(buffer: buffer)
            case .refuse(let refusal, _): return refusal.row.code
            case .needsKey, .mustWait: return "waits"
            }
        }
    }

    private func preflight(_ lines: String..., by fixture: AdmissionFixture, method: String = "OPTIONS")
        throws
        -> String
    {
        try forwarded(["\(method) /x HTTP/1.1"] + Self.preflight + lines, by: fixture)
    }

    /// Every way to tell a service another path or method than was judged
    /// (ops/guide/identity-headers.md, "What is stripped").
    private static let overriding: [String] = {
        let names = [
            "X-Original-URL", "X-Original-URI", "X-Original-Path", "X-Original-Method", "X-Original-Host",
            "X-Original-Anything", "X-Rewrite-URL", "X-HTTP-Method", "X-HTTP-Method-Override",
            "X-HTTP-MethodOverride", "X-HTTP-Methods", "X-Method-Override",
        ]
        let separators = ["-", "_", ".", "~", "!", "*", "+", "|"]
        return names.flatMap { name in
            separators.flatMap { separator in
                [name, name.lowercased(), name.uppercased()].map { $0.replacing("-", with: separator) }
            }
        }
    }()

    @Test(
        "No field that overrides path or method goes upstream with a preflight, or where a tenant has rules")
    func overriding() throws {
        let plain = try AdmissionFixture()
        let ruled = try AdmissionFixture { $0.rules = Self.rules }
        let token = "Authorization: Bearer " + String(decoding: try AdmissionFixture.token(), as: UTF8.self)
        for name in Self.overriding {
            for fixture in [plain, ruled] {
                let head = try preflight("\(name): DELETE-secret", "X-Mine: kept", by: fixture)
                #expect(
                    head.hasPrefix("OPTIONS /x HTTP/1.1\r\n") && !head.contains("DELETE-secret"), "\(name)")
                #expect(head.contains("\r\nX-Mine: kept\r\n"))
            }
            let head = try forwarded(
                ["GET / HTTP/1.1", "Host: a", token, "\(name): DELETE-secret", "X-Mine: kept"], by: ruled)
            #expect(head.hasPrefix("GET / HTTP/1.1\r\n") && !head.contains("DELETE-secret"), "\(name)")
        }
        let head = try forwarded(["GET / HTTP/1.1", "Host: a", token, "X-Original-URL: /y"], by: plain)
        #expect(head.contains("\r\nX-Original-URL: /y\r\n"))
    }

    @Test("What has a body, another method, or not the fields that browsers write is no preflight")
    func real() throws {
        for fixture in [try AdmissionFixture(), try AdmissionFixture { $0.rules = Self.rules }] {
            #expect(try preflight(by: fixture).hasPrefix("OPTIONS /x "))
            #expect(try preflight("Content-Length: 0", by: fixture).hasPrefix("OPTIONS /x "))
            for body in ["Content-Length: 1", "Content-Length: 00000000000002", "Transfer-Encoding: chunked"]
            {
                #expect(try preflight(body, by: fixture) == "missing_token", "\(body)")
            }
            for method in ["GET", "POST", "DELETE", "OPTION"] {
                #expect(try preflight(by: fixture, method: method) == "missing_token")
            }
            #expect(try preflight("Origin: https://other.test", by: fixture) == "missing_token")
            for missing in 1...2 {
                var lines = Self.preflight
                lines.remove(at: missing)
                #expect(try forwarded(["OPTIONS /x HTTP/1.1"] + lines, by: fixture) == "missing_token")
            }
        }
    }

    @Test("Proxy, which CGI would read as HTTP_PROXY, goes upstream from nobody, in no spelling")
    func proxy() throws {
        let token = "Authorization: Bearer " + String(decoding: try AdmissionFixture.token(), as: UTF8.self)
        for name in ["Proxy", "proxy", "PROXY", "pRoXy"] {
            let head = try forwarded(
                ["GET / HTTP/1.1", "Host: a", token, "\(name): evil:8080"], by: try AdmissionFixture())
            #expect(head.hasPrefix("GET / HTTP/1.1\r\n") && !head.contains("evil"))
        }
    }

    @Test(
        "A Referer that holds the row's parameter, however it is spelled, stays here; any other goes on",
        arguments: [
            ("https://a/x?access_token=secret", false), ("https://a/x?b=c&access_token=secret&d", false),
            ("https://a/x?%61ccess%5Ftoken=secret", false), ("https://a/x?ACCESS_TOKEN=secret", false),
            ("https://a/x?b=c;access_token=secret", false), ("https://a/x#access_token=secret", false),
            ("https://a/x?access_token", false), ("/x?access_token=secret", false),
            ("https://a/x?next=%2Fy%3Faccess_token%3Dsecret", false),
            ("https://a/x?next=%252Fy%253Faccess_token%253Dsecret", false),
            ("https://a/x?access%255Ftoken=secret", false), ("?access_token=secret", false),
            ("https://a/x", true), ("https://a/access_token=x", true), ("https://a/x?access_tokens=x", true),
            ("https://a/x?my_access_token=x", true), ("https://a/x?q=access_token", true), ("", true),
        ])
    func referer(address: String, passes: Bool) throws {
        let fixture = try AdmissionFixture { $0.queryParameter = "access_token" }
        let token = String(decoding: try AdmissionFixture.token(), as: UTF8.self)
        for name in ["Referer", "referer"] {
            let lines = [
                "GET /x?access_token=\(token)&a=b HTTP/1.1", "Host: a", "\(name): \(address)", "X-Mine: kept",
            ]
            let head = try forwarded(lines, by: fixture)
            #expect(head.hasPrefix("GET /x?a=b HTTP/1.1\r\n"))
            #expect(head.contains("\r\n\(name): \(address)\r\n") == passes)
            #expect(!head.contains("secret") && head.contains("\r\nX-Mine: kept\r\n"))
        }
        // Where the row names no parameter, an address is nobody's secret.
        let authorized = [
            "GET / HTTP/1.1", "Host: a", "Authorization: Bearer \(token)", "Referer: \(address)",
        ]
        #expect(try forwarded(authorized, by: try AdmissionFixture()).contains("\r\nReferer: \(address)\r\n"))
    }
}

/// Requests that somebody describes.
@Suite struct DescribedRequestTests {
    private func refusal(_ host: String, _ method: String = "GET", _ path: String = "/") -> String? {
        DescribedRequest(host: host, method: method, path: path, limits: HeadLimits()).refusal.map {
            "\($0.row.status.code)"
        }
    }

    @Test("What HTTP refuses is refused, whichever word holds it")
    func refused() {
        for host in [
            "a:b", "a:99999", "a:-1", "a:8o", "a:80:80", "a b", "a/b", "u@a", "", "a,b", "a\r\nX: y", "é",
            "[::1",
            "a%41",
        ] {
            #expect(refusal(host) == "400", "\(host)")
        }
        for method in ["", "G T", "GET\r\nX: y\r\n", "G\u{E9}T", "GE(T"] {
            #expect(refusal("a", method) == "400", "\(method)")
        }
        #expect(refusal("a", "CONNECT") == "405" && refusal("a", "TRACE") == "405")
        for path in ["", "x", "/a b", "/a#b", "/\u{E9}", "*", "/\r\n", "http://b/"] {
            #expect(refusal("a", "GET", path) == "400", "\(path)")
        }
        #expect(refusal("a", "GET", "/" + String(repeating: "x", count: 20_000)) == "414")
    }

    @Test("What HTTP carries is the same host without its port")
    func accepted() {
        for (host, name) in [
            ("a", "a"), ("a:80", "a"), ("a:", "a"), ("[::1]:8443", "[::1]"), ("[::1]", "[::1]"),
            ("A.b.", "A.b."),
        ] {
            let message = DescribedRequest(
                host: host, method: "PURGE", path: "/x?y=%20", limits: HeadLimits())
            #expect(message.refusal == nil && message.host == name, "\(host)")
        }
    }

    @Test("Its fields are read as a connection's are, and what is no line of a head is refused")
    func fields() {
        func read(
            _ fields: [String], method: String = "GET", maxBodyBytes: UInt64? = nil
        ) -> DescribedRequest {
            DescribedRequest(
                host: "a", method: method, path: "/", fields: fields.map { Array($0.utf8) },
                limits: HeadLimits(), maxBodyBytes: maxBodyBytes)
        }
        let twice = read(["Authorization: Bearer x", "authorization: Bearer y", "Origin: https://b"])
        twice.withFacts { facts in
            #expect(facts.authorizationCount == 2)
            #expect(facts.origin.map { String(decoding: $0, as: UTF8.self) } == "https://b")
        }
        for fields in [
            ["Host: b"], ["X"], ["X : y"], ["X: y\r\nZ: w"], ["X: y\r\n\r\n"], [""], ["Content-Length: x"],
            ["Upgrade: websocket", "Connection: upgrade"],
        ] {
            #expect(read(fields).refusal.map { $0.row.status.code } == 400, "\(fields)")
        }
        let older = read([
            "Upgrade: websocket", "Connection: upgrade", "Sec-WebSocket-Version: 12",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        ])
        #expect(older.refusal == .request(.webSocketVersion))
        #expect(
            read(["Content-Length: 9"], method: "POST", maxBodyBytes: 8).refusal == .request(.bodyTooLarge))
        #expect(read(["Content-Length: 8"], method: "POST", maxBodyBytes: 8).refusal == nil)
    }
}
