import HTTPMessage
import Testing

@testable import HTTP2

/// What becomes of a request's head: the same head that HTTP/1 makes of it, or a breach by its name.
@Suite struct RequestHeadTests {
    static let plain: [(String, String)] = [
        (":method", "GET"), (":scheme", "https"), (":authority", "acme.example.com"), (":path", "/a?b=1"),
    ]

    /// The outcome of one request: `head`, a flaw's word, or `reset` where the library ended the stream.
    static func outcome(_ fields: [(String, String)], body: [UInt8]? = nil, limits: HeadLimits = HeadLimits())
        -> String
    {
        guard let session = server(limits) else { return "no session" }
        var frames = Frames.opening
        frames.headers(fields, ends: body == nil)
        if let body { frames.data(body, ends: true) }
        let flaw = frames.bytes.withUnsafeBytes { session.receive($0) }
        guard flaw == nil else { return "connection" }
        var outcome = "nothing"
        while let event = session.nextEvent() {
            switch event {
            case .request: outcome = "head"
            case .flawedRequest(_, let flaw): outcome = flaw.rawValue
            default: break
            }
        }
        var output = HTTP2Output()
        session.produce(into: &output, limit: 65_536)
        while let event = session.nextEvent() {
            if case .closed(_, let code) = event, code != .noError { outcome = "reset" }
        }
        return outcome
    }

    static func server(_ limits: HeadLimits = HeadLimits()) -> HTTP2Session? {
        HTTP2Session(
            side: .server, settings: .init(streams: 8, connectionWindowBytes: 1_000_000, headLimits: limits))
    }

    static func replacing(_ name: String, _ value: String?) -> [(String, String)] {
        plain.compactMap { $0.0 == name ? value.map { (name, $0) } : $0 }
    }

    @Test("A head says what the same request would say by HTTP/1")
    func sameHead() throws {
        let session = try #require(Self.server())
        var frames = Frames.opening
        frames.headers(
            Self.plain + [
                ("cookie", "a=1"), ("cookie", "b=2"), ("authorization", "Bearer x"), ("x-one", "1"),
            ])
        #expect(frames.bytes.withUnsafeBytes { session.receive($0) } == nil)
        var found: (RequestHead, [UInt8], Bool)?
        while let event = session.nextEvent() {
            if case .request(_, let head, let bytes, let isWhole) = event { found = (head, bytes, isWhole) }
        }
        let (head, bytes, isWhole) = try #require(found)
        func text(_ slice: HeadSlice) -> String { String(decoding: bytes[slice.range], as: UTF8.self) }
        #expect(isWhole)
        #expect(head.framing == .none)
        #expect(text(head.methodName) == "GET")
        #expect(text(head.path) == "/a")
        #expect(text(head.query) == "?b=1")
        #expect(text(head.authority) == "acme.example.com")
        #expect(text(head.host) == "acme.example.com")
        #expect(head.authorizationCount == 1)
        #expect(
            head.fields.map { text($0.line) } == [
                "authorization: Bearer x\r\n", "x-one: 1\r\n", "cookie: a=1; b=2\r\n",
            ])
    }

    @Test(
        "What RFC 9113 allows is a head",
        arguments: [
            plain,
            replacing(":path", "/"),
            replacing(":authority", nil) + [("host", "acme.example.com")],
            plain + [("host", "ACME.example.com")],
            plain + [("host", "acme.example.com:443")],
            replacing(":method", "OPTIONS").map { $0.0 == ":path" ? (":path", "*") : $0 },
            plain + [("te", "trailers")],
            plain + [("x-a", "")],
            plain + [("x-a", "tab\tinside")],
            plain + [("expect", "100-continue")],
            replacing(":scheme", "http"),
        ] as [[(String, String)]])
    func allowed(_ fields: [(String, String)]) {
        #expect(Self.outcome(fields) == "head")
    }

    @Test(
        "What makes a request malformed ends its stream or is a flaw",
        arguments: [
            // Pseudo-fields: missing, repeated, unknown, of a response, behind a field.
            (replacing(":method", nil), "reset"),
            (replacing(":scheme", nil), "reset"),
            (replacing(":path", nil), "reset"),
            (replacing(":authority", nil), "reset"),
            (replacing(":path", ""), "reset"),
            (plain + [(":path", "/b")], "reset"),
            (plain + [(":status", "200")], "reset"),
            (plain + [(":protocol", "websocket")], "reset"),
            ([("x-a", "1")] + plain, "reset"),
            // Names and values.
            (plain + [("X-Upper", "1")], "reset"),
            (plain + [("x a", "1")], "reset"),
            (plain + [("x:a", "1")], "reset"),
            (plain + [("", "1")], "reset"),
            (plain + [("x-a", "a\r\nb")], "reset"),
            (plain + [("x-a", "a\u{0}b")], "reset"),
            (plain + [("x-a", " a")], "reset"),
            (plain + [("x-a", "a ")], "reset"),
            // What belongs to one connection.
            (plain + [("connection", "close")], "reset"),
            (plain + [("transfer-encoding", "chunked")], "reset"),
            (plain + [("upgrade", "h2c")], "reset"),
            (plain + [("keep-alive", "1")], "reset"),
            (plain + [("proxy-connection", "1")], "reset"),
            (plain + [("te", "gzip")], "reset"),
            // Targets.
            (replacing(":path", "/a b"), "reset"),
            (replacing(":path", "a"), "reset"),
            (replacing(":path", "*"), "reset"),
            (replacing(":path", "/a#b"), "bad_target"),
            (replacing(":path", "http://evil.example.com/"), "reset"),
            (replacing(":path", "/\r\nX: y"), "reset"),
            (replacing(":scheme", "ftp"), "bad_target"),
            // Authorities.
            (replacing(":authority", "user@acme.example.com"), "bad_host"),
            (replacing(":authority", "acme.example.com:99999"), "bad_host"),
            (replacing(":authority", "acme.example.com/x"), "reset"),
            (plain + [("host", "other.example.com")], "host_mismatch"),
            (plain + [("host", "acme.example.com:80")], "host_mismatch"),
            (plain + [("host", "acme.example.com"), ("host", "acme.example.com")], "reset"),
            // Methods.
            (replacing(":method", "CONNECT"), "reset"),
            (replacing(":method", "TRACE"), "forbidden_method"),
            (replacing(":method", "GE T"), "reset"),
            (plain + [("expect", "other")], "bad_expectation"),
            (plain + [("content-length", "1")], "reset"),
            (plain + [("content-length", "x")], "reset"),
            (plain + [("content-length", "0"), ("content-length", "0")], "reset"),
        ] as [([(String, String)], String)])
    func malformed(_ fields: [(String, String)], _ expected: String) {
        #expect(Self.outcome(fields) == expected)
    }

    @Test("Content-Length must be what DATA comes to")
    func lengths() {
        let post = Self.replacing(":method", "POST")
        #expect(Self.outcome(post + [("content-length", "2")], body: [1, 2]) == "head")
        #expect(Self.outcome(post + [("content-length", "3")], body: [1, 2]) == "reset")
        #expect(Self.outcome(post + [("content-length", "1")], body: [1, 2]) == "reset")
    }

    @Test("A head is held to HTTP/1's bounds")
    func bounds() {
        var limits = HeadLimits()
        limits.headBytes = 600
        limits.fieldBytes = 200
        limits.fieldCount = 3
        limits.targetBytes = 20
        func outcome(_ fields: [(String, String)]) -> String { Self.outcome(fields, limits: limits) }
        #expect(outcome(Self.plain + [("x-a", String(repeating: "a", count: 193))]) == "head")
        #expect(outcome(Self.plain + [("x-a", String(repeating: "a", count: 194))]) == "field_too_large")
        let three = (0..<3).map { ("x-\($0)", "1") }
        #expect(outcome(Self.plain + three) == "head")
        #expect(outcome(Self.plain + three + [("x-4", "1")]) == "too_many_fields")
        #expect(
            outcome(Self.plain + (0..<3).map { ("x-\($0)", String(repeating: "a", count: 190)) })
                == "head_too_large")
        #expect(outcome(Self.replacing(":path", "/" + String(repeating: "a", count: 19))) == "head")
        #expect(
            outcome(Self.replacing(":path", "/" + String(repeating: "a", count: 20))) == "target_too_long")
        #expect(
            outcome(Self.plain + [("cookie", String(repeating: "a", count: 199)), ("cookie", "b")])
                == "field_too_large")
    }
}
