import HTTP1
import HTTPMessage
import TestSupport
import Testing

/// Each rule of RFC 9112 that the parser keeps, with an accept, a reject and a boundary.
@Suite struct RequestHeadTests {
    private func flaw(_ text: String, limits: HeadLimits = HeadLimits()) -> String {
        switch ourVerdict(bytes(text), limits: limits).0 {
        case .accepted: "ok"
        case .refused(let word): word
        case .incomplete: "incomplete"
        }
    }

    /// One byte a scalar, so that tests can write any byte.
    private func bytes(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }

    private func get(_ lines: String...) -> String {
        (["GET / HTTP/1.1", "Host: a"] + lines).joined(separator: "\r\n") + "\r\n\r\n"
    }

    @Test(
        "Line ends are CRLF",
        arguments: [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"), ("GET / HTTP/1.1\nHost: a\r\n\r\n", "bare_lf"),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare_lf"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", "bare_lf"), ("GET / HTTP/1.1\rHost: a\r\n\r\n", "bare_cr"),
            ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "bare_cr"),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad_method"),
            ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare_lf"),
            ("GET / HTTP/1.1\r\nHost: a\r\n\rx", "bare_cr"), ("GET / HTTP/1.1\r\nHost: a\r\n", "incomplete"),
        ])
    func lineEnds(text: String, expected: String) { #expect(flaw(text) == expected) }

    @Test(
        "A start line is a method, a target and a version with single spaces",
        arguments: [
            ("GET / HTTP/1.1", "ok"), ("M-SEARCH / HTTP/1.1", "ok"), ("GET  / HTTP/1.1", "bad_target"),
            ("GET /  HTTP/1.1", "bad_version"), ("GET\t/ HTTP/1.1", "bad_start_line"),
            (" GET / HTTP/1.1", "bad_method"), ("G(T / HTTP/1.1", "bad_method"),
            ("GET / HTTP/1.1 ", "bad_version"), ("GET /", "bad_start_line"), ("GET", "bad_method"),
            ("GET / http/1.1", "bad_version"), ("GET / HTTP/1.10", "bad_version"),
            ("GET / HTTP/2.0", "unsupported_version"), ("GET / HTTP/0.9", "unsupported_version"),
            ("GET / HTTP/1.2", "unsupported_version"), ("GET / HTTP/1.0", "ok"),
            ("CONNECT a:1 HTTP/1.1", "forbidden_method"), ("TRACE / HTTP/1.1", "forbidden_method"),
            ("connect / HTTP/1.1", "ok"), ("\u{0}GET / HTTP/1.1", "bad_start_line"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1", "ok"),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", "bad_method"),
        ])
    func startLines(line: String, expected: String) {
        #expect(flaw(line + "\r\nHost: a\r\n\r\n") == expected)
    }

    @Test(
        "A target has one of its forms",
        arguments: [
            ("/", "ok"), ("/a?b", "ok"), ("/\"<>\\^`{|}", "ok"), ("/a#b", "bad_target"),
            ("/a?b#c", "bad_target"), ("x", "bad_target"), ("?x", "bad_target"),
            ("/\u{E9}", "bad_target"), ("/\u{7F}", "bad_target"), ("*", "bad_target"), ("http://a/x", "ok"),
            ("HTTP://A/x", "ok"), ("https://a:443/", "ok"), ("http://a?x", "ok"),
            ("http://a", "ok"), ("http://a:80/", "ok"), ("http://a:81/", "host_mismatch"),
            ("https://a:80/", "host_mismatch"), ("http://b/", "host_mismatch"),
            ("http://u@a/", "bad_target"), ("http:///", "bad_target"), ("ftp://a/", "bad_target"),
            ("http://a:99999/", "bad_target"), ("http://a#x", "bad_target"),
        ])
    func targets(target: String, expected: String) {
        #expect(flaw("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n") == expected)
    }

    @Test("The asterisk is for OPTIONS alone")
    func asterisk() {
        #expect(flaw("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == "ok")
        #expect(flaw("OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n") == "bad_target")
    }

    @Test(
        "A field is a token, a colon and a value without control characters",
        arguments: [
            ("X: y", "ok"), ("X:y", "ok"), ("X:", "ok"), ("X:\t y \t", "ok"),
            ("!#$%&'*+-.^_`|~09azAZ: y", "ok"), ("X: \u{E9}\u{FF}\u{80}", "ok"), ("X: a\tb", "ok"),
            ("X : y", "bad_field_name"), (": y", "bad_field_name"), ("X", "bad_field_name"),
            ("X(y): z", "bad_field_name"), ("\u{E9}: y", "bad_field_name"), (" X: y", "folded_line"),
            ("\tX: y", "folded_line"), ("X: y\r\n z", "folded_line"), ("X: \u{0}", "bad_field_value"),
            ("X: \u{1F}", "bad_field_value"), ("X: \u{7F}", "bad_field_value"),
            ("X: \u{B}", "bad_field_value"),
        ])
    func fields(line: String, expected: String) { #expect(flaw(get(line)) == expected) }

    @Test(
        "There is one valid Host",
        arguments: [
            ("Host: a", "ok"), ("Host: a:80", "ok"), ("Host: a:", "ok"), ("Host: a:65535", "ok"),
            ("Host: a:65536", "bad_host"), ("Host: a:+1", "bad_host"), ("Host: a:1x", "bad_host"),
            ("Host: [::1]:80", "ok"), ("Host: [::1", "bad_host"), ("Host: [::1]x", "bad_host"),
            ("Host: 192.0.2.1", "ok"), ("Host: a, b", "bad_host"), ("Host: a b", "bad_host"),
            ("Host: u@a", "bad_host"), ("Host: a/b", "bad_host"), ("Host: a%2e", "bad_host"),
            ("Host: \u{E9}", "bad_host"), ("Host:", "bad_host"), ("X: y", "missing_host"),
            ("Host: a\r\nhost: a", "duplicate_host"),
        ])
    func hosts(line: String, expected: String) {
        #expect(flaw("GET / HTTP/1.1\r\n\(line)\r\n\r\n") == expected)
    }

    @Test("HTTP/1.0 needs no Host")
    func oldHost() {
        #expect(flaw("GET / HTTP/1.0\r\n\r\n") == "ok")
        #expect(flaw("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == "duplicate_host")
    }

    @Test(
        "Framing is said once and clearly",
        arguments: [
            ("Content-Length: 0", "ok"), ("Content-Length: 007", "ok"),
            ("Content-Length: 9223372036854775807", "ok"),
            ("Content-Length: 9223372036854775808", "bad_content_length"),
            ("Content-Length: 18446744073709551616", "bad_content_length"),
            ("Content-Length:", "bad_content_length"), ("Content-Length: +1", "bad_content_length"),
            ("Content-Length: -0", "bad_content_length"), ("Content-Length: 1,1", "bad_content_length"),
            ("Content-Length: 0x1", "bad_content_length"),
            ("Content-Length: 1\r\nContent-Length: 1", "duplicate_content_length"),
            ("Transfer-Encoding: chunked", "ok"), ("Transfer-Encoding: CHUNKED", "ok"),
            ("Transfer-Encoding: chunked\t", "ok"), ("Transfer-Encoding:", "bad_transfer_encoding"),
            ("Transfer-Encoding: gzip, chunked", "bad_transfer_encoding"),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "bad_transfer_encoding"),
            ("Transfer-Encoding: identity", "bad_transfer_encoding"),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1", "length_and_encoding"),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked", "length_and_encoding"),
            ("Expect: 100-continue", "ok"), ("Expect: 100-Continue", "ok"),
            ("Expect: other", "bad_expectation"),
            ("Expect: 100-continue\r\nExpect: 100-continue", "bad_expectation"),
        ])
    func framing(line: String, expected: String) { #expect(flaw(get(line)) == expected) }

    @Test("Transfer-Encoding is none of HTTP/1.0's")
    func oldEncoding() {
        #expect(
            flaw("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == "encoding_in_http_1_0"
        )
    }

    @Test("Bounds are kept to the byte")
    func bounds() {
        var limits = HeadLimits()
        limits.targetBytes = 10
        #expect(flaw("GET /234567890 HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) == "ok")
        #expect(flaw("GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits) == "target_too_long")
        limits = HeadLimits()
        limits.fieldCount = 2
        #expect(flaw(get("X: y"), limits: limits) == "ok")
        #expect(flaw(get("X: y", "X: y"), limits: limits) == "too_many_fields")
        limits = HeadLimits()
        limits.fieldBytes = 10
        #expect(flaw(get("X: 4567890"), limits: limits) == "ok")
        #expect(flaw(get("X: 45678901"), limits: limits) == "field_too_large")
        limits = HeadLimits()
        limits.headBytes = get("X: y").utf8.count
        #expect(flaw(get("X: y"), limits: limits) == "ok")
        #expect(flaw(get("X: yz"), limits: limits) == "head_too_large")
    }

    @Test("A bound is known as soon as it is passed, not at the end")
    func earlyBounds() {
        #expect(flaw("GET /" + String(repeating: "a", count: 20_000)) == "target_too_long")
        #expect(flaw("GET / HTTP/1.1\r\nX: " + String(repeating: "a", count: 20_000)) == "field_too_large")
        #expect(flaw("GET / HTTP/1.1\r\n" + String(repeating: "a", count: 20_000)) == "field_too_large")
        #expect(flaw("GET / HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 101)) == "too_many_fields")
    }

    @Test(
        "The connection persists as RFC 9112 §9.3 says",
        arguments: [
            ("1.1", "X: y", true), ("1.1", "Connection: close", false), ("1.1", "Connection: close\t", false),
            ("1.1", "Connection: x, CLOSE , y", false),
            ("1.1", "Connection: closed", true), ("1.1", "Connection: keep-alive, close", false),
            ("1.0", "X: y", false), ("1.0", "Connection: keep-alive", true),
            ("1.0", "Connection: keep-alive\r\nConnection: close", false),
        ])
    func persistence(version: String, line: String, expected: Bool) {
        var parser = RequestHeadParser(limits: HeadLimits())
        let head = bytes("GET / HTTP/\(version)\r\nHost: a\r\n\(line)\r\n\r\n")
        #expect(head.withUnsafeBytes { parser.parse($0) } == .complete)
        #expect(parser.head.isPersistent == expected)
    }

    @Test("A head in any two pieces, or byte by byte, reads as in one")
    func splits() {
        var generator = HeadGenerator(seed: 5)
        for _ in 0..<150 {
            let head = generator.head()
            let whole = ourVerdict(head)
            for cut in 1..<max(head.count, 2) where head.count > 1 {
                let pieces = ourVerdict(head, ends: [cut, head.count])
                // In pieces a flaw may be met before another that stands later, never the other way round.
                if case .accepted = whole.0 {
                    #expect(pieces.0 == whole.0)
                } else {
                    #expect((pieces.1 == nil) == (whole.1 == nil))
                }
            }
            let byByte = ourVerdict(head, ends: Array(1...head.count))
            if case .accepted = whole.0 {
                #expect(byByte.0 == whole.0)
            } else {
                #expect((byByte.1 == nil) == (whole.1 == nil))
            }
        }
    }

    @Test("A parser used again remembers nothing of the head before")
    func reuse() {
        var parser = RequestHeadParser(limits: HeadLimits())
        let heads = [
            get("Content-Length: 5", "Connection: close", "Authorization: x"), get("X: y"), "BAD\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", get("Transfer-Encoding: chunked"),
        ].map(bytes)
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let head = heads.randomElement(using: &generator) ?? heads[0]
            var fresh = RequestHeadParser(limits: HeadLimits())
            parser.reset()
            let (used, expected) = head.withUnsafeBytes { (parser.parse($0), fresh.parse($0)) }
            #expect(used == expected)
            guard expected == .complete else { continue }
            #expect(parser.head.framing == fresh.head.framing)
            #expect(parser.head.isPersistent == fresh.head.isPersistent)
            #expect(parser.head.authorizationCount == fresh.head.authorizationCount)
            #expect(parser.head.host == fresh.head.host)
            #expect(parser.head.fields.count == fresh.head.fields.count)
        }
    }

    @Test("Names fold as CGI folds them, and the scan's hash is that of the fold")
    func collapsing() {
        var parser = RequestHeadParser(limits: HeadLimits())
        let head = bytes(get("X-Forwarded_User.Name: y"))
        #expect(head.withUnsafeBytes { parser.parse($0) } == .complete)
        #expect(parser.head.fields[1].collapsedHash == CollapsedName.hash("x_forwarded_user_name".utf8))
    }
}
