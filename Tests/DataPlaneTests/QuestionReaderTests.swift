import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

/// What a question by HTTP is read as: a request, or a refusal of the question itself.
@Suite struct QuestionReaderTests {
    private typealias Fields = [(String, String)]

    private static let forwarded: Fields = [
        ("X-Forwarded-Method", "GET"), ("X-Forwarded-Host", "acme.example"), ("X-Forwarded-Uri", "/a?b=c"),
    ]
    private static let original: Fields = [
        ("X-Original-Method", "GET"), ("X-Original-Host", "acme.example"), ("X-Original-URI", "/a?b=c"),
    ]

    private func question(
        _ fields: Fields, method: String = "GET", target: String = "/verify", host: String = "gate:8081",
        isTrusted: Bool = true, secret: String? = nil, limits: HeadLimits = HeadLimits()
    ) throws -> Question {
        let lines = fields.map { "\($0): \($1)\r\n" }.joined()
        let bytes = Array("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(lines)\r\n".utf8)
        var parser = RequestHeadParser(limits: limits)
        try #require(bytes.withUnsafeBytes { parser.parse($0) } == .complete)
        var reader = QuestionReader(
            limits: limits, secret: secret.map { Secret(bytes: Array($0.utf8)) })
        return bytes.withUnsafeBytes {
            reader.read(parser.head, $0, isTrusted: isTrusted, into: ByteBuffer())
        }
    }

    /// What the question is about as method, authority and target; or the refusal's code and detail.
    private func about(_ question: Question) -> String {
        if let refusal = question.refusal {
            return [refusal.row.code, refusal.detail?.text].compactMap { $0 }.joined(separator: " ")
        }
        let head = question.head
        return question.bytes.withUnsafeReadableBytes { bytes in
            func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
            return [
                text(head.methodName.range), text(head.authority.range),
                text(Int(head.path.start)..<Int(head.query.end)),
            ].joined(separator: " ")
        }
    }

    private func lines(_ question: Question) -> [String] {
        String(buffer: question.bytes).split(separator: "\r\n").dropFirst().map { String($0) }
    }

    private func about(_ fields: Fields) throws -> String { about(try question(fields)) }

    @Test("Either family says what it is about, and nothing else of the question does")
    func families() throws {
        #expect(try about(Self.forwarded) == "GET acme.example /a?b=c")
        #expect(try about(Self.original) == "GET acme.example /a?b=c")
        #expect(try question(Self.forwarded).form == .forwarded)
        #expect(try question(Self.original).form == .original)
        let asked = try question(
            Self.forwarded.map { ($0.0.lowercased(), $0.1) }, method: "POST", target: "/x/ext_authz/y?z",
            host: "evil.example")
        #expect(about(asked) == "GET acme.example /a?b=c")
        #expect(
            try about([
                ("X-Original-URI", "*"), ("X-Original-Host", "a:8443"), ("X-Original-Method", "OPTIONS"),
            ]) == "OPTIONS a:8443 ")
    }

    @Test("Both families at once are refused, whatever each of them holds", arguments: 0..<3)
    func bothFamilies(index: Int) throws {
        for fields in [Self.forwarded + [Self.original[index]], [Self.forwarded[index]] + Self.original] {
            let both = try question(fields)
            #expect(about(both) == "bad_question both_families")
            #expect(both.form == .original)
        }
    }

    @Test("A question without method, host or URI is refused, and so is one where they are empty")
    func lacks() throws {
        #expect(try about([]) == "bad_question no_host")
        for family in [Self.forwarded, Self.original] {
            for (index, code) in ["no_method", "no_host", "no_uri"].enumerated() {
                var fields = family
                fields[index].1 = ""
                #expect(try about(fields) == "bad_question \(code)")
                fields.remove(at: index)
                #expect(try about(fields) == "bad_question \(code)")
            }
        }
        #expect(try question([]).form == .forwarded)
        #expect(try question([Self.original[0]]).form == .original)
    }

    @Test("A repeated field is refused, also where both say the same", arguments: 0..<3)
    func repeated(index: Int) throws {
        for family in [Self.forwarded, Self.original] {
            #expect(try about(family + [family[index]]) == "bad_question repeated")
            #expect(try about([(family[index].0.uppercased(), "")] + family) == "bad_question repeated")
        }
    }

    @Test("A list in the place of one value is refused; a comma inside of a target is none")
    func lists() throws {
        for (index, value) in [
            (0, "GET, POST"), (0, "GET,POST"), (1, "acme.example, evil.example"), (1, "acme.example,"),
            (2, "/a, /b"), (2, "/a ,/b"),
        ] {
            var fields = Self.original
            fields[index].1 = value
            #expect(try about(fields) == "bad_question listed", "\(value)")
        }
        var fields = Self.forwarded
        fields[2].1 = "/a,b;c=d,e"
        #expect(try about(fields) == "GET acme.example /a,b;c=d,e")
    }

    @Test(
        "A name in a spelling that services cannot tell from the real one is refused, beside it or alone",
        arguments: [
            "X_Forwarded_Host", "X-Forwarded_Host", "x_forwarded_uri", "X_FORWARDED_METHOD",
            "X.Forwarded.Host",
            "X_Original_URI", "X-Original_Host", "X_Original-Method",
        ])
    func misspelled(name: String) throws {
        let family = name.lowercased().contains("original") ? Self.original : Self.forwarded
        #expect(try about(family + [(name, "evil.example")]) == "bad_question misspelled")
        #expect(try about([(name, "evil.example")]) == "bad_question misspelled")
    }

    @Test("Names that only look alike mean nothing")
    func innocents() throws {
        for name in [
            "X-Forwarded-Urix", "X-Forwarded-Hos", "X-Original-URL", "Forwarded-Host", "X-Forwarded-For",
        ] {
            #expect(try about(Self.forwarded + [(name, "x")]) == "GET acme.example /a?b=c", "\(name)")
        }
    }

    @Test("What stands in the fields is held to the rules of a request's first line and Host")
    func grammar() throws {
        for (index, value, flaw) in [
            (0, "GE T", "bad_request bad_version"), (0, "G@T", "bad_request bad_method"),
            (0, "GET /x HTTP/1.1", "bad_request bad_version"),
            (0, "CONNECT", "forbidden_method"), (0, "TRACE", "forbidden_method"),
            (1, "acme example", "bad_request bad_host"), (1, "user@acme.example", "bad_request bad_host"),
            (1, "acme.example/x", "bad_request bad_host"), (1, "acme.example:99999", "bad_request bad_host"),
            (2, "a", "bad_request bad_target"), (2, "/a b", "bad_request bad_version"),
            (2, "/a HTTP/1.1", "bad_request bad_version"), (2, "/a#b", "bad_request bad_target"),
            (2, "*", "bad_request bad_target"), (2, "/\u{E9}", "bad_request bad_target"),
            (2, "//evil.example/a", "GET acme.example //evil.example/a"),
            (2, "http://evil.example/a", "bad_request host_mismatch"),
            (2, "ftp://acme.example/a", "bad_request bad_target"),
            (2, "http://acme.example/a", "GET acme.example /a"),
        ] {
            for family in [Self.forwarded, Self.original] {
                var fields = family
                fields[index].1 = value
                let read = try about(fields)
                #expect(
                    read == flaw || flaw == "forbidden_method" && read.contains(flaw),
                    "\(index) \(value): \(read)")
            }
        }
    }

    @Test("The request in question is held to the bounds, and the question has room for all of them")
    func bounds() throws {
        var limits = HeadLimits()
        limits.targetBytes = 200
        limits.fieldCount = 5
        var settings = ProxySettings()
        settings.headLimits = limits
        let wide = settings.headLimits(of: .questions)
        #expect(wide.fieldBytes > limits.fieldBytes && wide.headBytes > limits.headBytes + 200)
        #expect(settings.headLimits(of: .proxy) == limits)
        var reader = QuestionReader(limits: limits, secret: nil)
        func read(_ fields: Fields) throws -> String {
            let lines = fields.map { "\($0): \($1)\r\n" }.joined()
            let bytes = Array("GET / HTTP/1.1\r\nHost: gate\r\n\(lines)\r\n".utf8)
            var parser = RequestHeadParser(limits: wide)
            try #require(bytes.withUnsafeBytes { parser.parse($0) } == .complete)
            return about(
                bytes.withUnsafeBytes {
                    reader.read(parser.head, $0, isTrusted: true, into: ByteBuffer())
                })
        }
        var fields = Self.forwarded
        fields[2].1 = "/" + String(repeating: "a", count: 199)
        #expect(try read(fields).hasPrefix("GET acme.example /aaa"))
        fields[2].1 += "a"
        #expect(try read(fields) == "target_too_long target_too_long")
        let four = (0..<4).map { ("X-\($0)", "a") }
        #expect(try read(Self.forwarded + four) == "GET acme.example /a?b=c")
        #expect(try read(Self.forwarded + four + [("X-5", "a")]) == "too_many_fields too_many_fields")
    }

    @Test(
        "The client's fields belong to the request; what frames the question, or names its caller, does not")
    func fields() throws {
        let asked = try question(
            Self.forwarded + [
                ("Authorization", "Bearer t"), ("Content-Length", "0"), ("Connection", "X-Poolgate-Subject"),
                ("X-Poolgate-Caller", "s"), ("X-Poolgate-Subject", "spoof"), ("Keep-Alive", "timeout=5"),
                ("Cookie", "a=b"), ("X-Forwarded-For", "192.0.2.1"), ("TE", "trailers"), ("Via", "1.1 x"),
            ])
        #expect(
            lines(asked) == [
                "Host: acme.example", "Authorization: Bearer t", "X-Poolgate-Subject: spoof", "Cookie: a=b",
                "X-Forwarded-For: 192.0.2.1", "Via: 1.1 x",
            ])
        #expect(asked.head.framing == .none && asked.head.authorizationCount == 1)
    }

    @Test("A WebSocket is known by its key, since proxies leave Upgrade out of what they ask")
    func webSockets() throws {
        let key = [("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-WebSocket-Version", "13")]
        #expect(try question(Self.forwarded + key).head.upgrade == .webSocket)
        #expect(try question(Self.forwarded + key + [("Upgrade", "WebSocket")]).head.upgrade == .webSocket)
        #expect(try question(Self.forwarded + [("Upgrade", "websocket")]).head.upgrade == .badWebSocket)
        #expect(try question(Self.forwarded + [("Upgrade", "h2c")]).head.upgrade == .none)
        #expect(try question(Self.forwarded + [key[0]]).head.upgrade == .badWebSocket)
        var post = Self.forwarded
        post[0].1 = "POST"
        #expect(try question(post + key).head.upgrade == .none)
    }

    @Test("Below /ext_authz/ a question is Envoy's: its own method, host and path, whatever the fields say")
    func envoy() throws {
        let asked = try question(
            Self.forwarded + Self.original + [("X_Forwarded_Host", "evil.example")], method: "DELETE",
            target: "/ext_authz/a/b?c=/ext_authz/", host: "acme.example:8443")
        #expect(about(asked) == "DELETE acme.example:8443 /a/b?c=/ext_authz/")
        #expect(asked.form == .envoyHTTP)
        #expect(lines(asked).contains("X-Forwarded-Host: acme.example"))
        #expect(about(try question([], target: "/ext_authz/", host: "a")) == "GET a /")
        #expect(about(try question([], target: "/ext_authz//x", host: "a")) == "GET a //x")
        for target in ["/ext_authz", "/ext_authz?a", "/ext_authzx/", "/EXT_AUTHZ/a", "/a/ext_authz/"] {
            #expect(about(try question([], target: target)) == "bad_question no_host", "\(target)")
        }
        #expect(try question([], method: "HEAD", target: "/ext_authz/").isHead)
    }

    @Test("Who is not trusted is refused before anything else is looked at; the secret is one field, whole")
    func callers() throws {
        func code(_ fields: Fields, secret: String? = "s3cret") throws -> String {
            about(try question(fields, isTrusted: false, secret: secret))
        }
        #expect(try code(Self.forwarded) == "untrusted_caller")
        #expect(try code([], secret: nil) == "untrusted_caller")
        #expect(
            try code(Self.forwarded + [("x-poolgate-caller", "s3cret")]) == "GET acme.example /a?b=c")
        for fields in [
            [("X-Poolgate-Caller", "s3cre")], [("X-Poolgate-Caller", "s3cret2")], [("X-Poolgate-Caller", "")],
            [("X-Poolgate-Caller", "s3cret"), ("X-Poolgate-Caller", "s3cret")],
            [("X_Poolgate_Caller", "s3cret")],
        ] {
            #expect(try code(Self.forwarded + fields) == "untrusted_caller")
        }
        #expect(
            try code(Self.forwarded + [("X-Poolgate-Caller", "x")], secret: nil) == "untrusted_caller")
    }

    @Test("nginx hears 403 where only the client can mend it; the others hear the status itself")
    func statuses() {
        for refusal in Refusal.allCases {
            let status = refusal.row.status
            for form in [QuestionForm.forwarded, .envoyHTTP, .envoyGRPC] {
                #expect(form.status(of: refusal.row) == status)
            }
            #expect(
                QuestionForm.original.status(of: refusal.row)
                    == (status == .badRequest || status == .misdirectedRequest ? .forbidden : status))
        }
    }
}
