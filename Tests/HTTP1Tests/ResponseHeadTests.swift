import HTTP1
import HTTPMessage
import Testing

/// Heads of upstreams are read leniently where it stays certain what they say and where the answer ends.
@Suite struct ResponseHeadTests {
    private func parse(_ text: String, isHead: Bool = false) -> (HeadProgress, ResponseHead) {
        var parser = ResponseHeadParser(limits: .responses)
        parser.reset(isHeadRequest: isHead)
        let progress = Array(text.utf8).withUnsafeBytes { parser.parse($0) }
        return (progress, parser.head)
    }

    /// Name and value of each field, as they are passed on.
    private func fields(_ text: String) -> [String]? {
        let (progress, head) = parse(text)
        guard progress == .complete else { return nil }
        let bytes = Array(text.utf8)
        return head.fields.map { field in
            var value = [UInt8](repeating: 0, count: field.value.count)
            let count = bytes.withUnsafeBytes { bytes in
                value.withUnsafeMutableBytes { field.unfold(bytes, into: $0) }
            }
            return String(decoding: bytes[field.name.range] + [0x3D] + value[..<count], as: UTF8.self)
        }
    }

    @Test(
        "A status line has a version, three digits and a reason that may be empty",
        arguments: [
            ("HTTP/1.1 200 OK", true), ("HTTP/1.1 200 ", true), ("HTTP/1.1 200", true),
            ("HTTP/1.0 404 Not Found", true), ("HTTP/1.1 599 x", true), ("HTTP/1.1 600 x", true),
            ("HTTP/1.1 999", true),
            ("HTTP/1.1 1000 x", false), ("HTTP/1.1 +20 x", false), ("HTTP/1.1 200x", false),
            ("HTTP/1.1 099 x", false), ("HTTP/1.1 2000 x", false), ("HTTP/1.1 20 x", false),
            ("HTTP/2.0 200 x", false), ("HTTP/1.2 200 x", false), ("http/1.1 200 x", false),
            ("HTTP/1.1  200 x", false), ("nonsense", false), ("HTTP/1.1 200 a\u{1}b", false),
        ])
    func statusLines(line: String, isGood: Bool) {
        #expect((parse(line + "\r\n\r\n").0 == .complete) == isGood)
    }

    @Test(
        "The body's framing follows from status, method and fields",
        arguments: [
            ("200", "X: y", false, BodyFraming.untilClose), ("200", "Content-Length: 5", false, .length(5)),
            ("200", "Transfer-Encoding: chunked", false, .chunked),
            ("200", "Content-Length: 5", true, .none), ("200", "Transfer-Encoding: chunked", true, .none),
            ("204", "Content-Length: 5", false, .none),
            ("304", "Content-Length: 5", false, .none), ("103", "X: y", false, .none),
            ("200", "Content-Length: 5\r\nTransfer-Encoding: chunked", true, .none),
            ("304", "Content-Length: 5\r\nTransfer-Encoding: chunked", false, .none),
            ("200", "Content-Length: 5\r\nContent-Length: 5", false, .length(5)),
            ("200", "Content-Length: 5, 5", false, .length(5)),
            ("200", "Content-Length: 5 ,05\r\nContent-Length: 005", false, .length(5)),
            ("200", "Content-Length :\r\n 5", false, .length(5)),
            ("200", "Content-Length: 5,\r\n 5", false, .length(5)),
            ("200", "Transfer-Encoding:\r\n\tchunked ", false, .chunked),
            ("200", "Transfer-Encoding: identity", false, .untilClose),
            ("600", "Content-Length: 5", false, .length(5)),
            ("200", "Host: a\r\nHost: b\r\nExpect: magic", false, .untilClose),
        ])
    func framing(status: String, line: String, isHead: Bool, expected: BodyFraming) {
        let (progress, head) = parse("HTTP/1.1 \(status) X\r\n\(line)\r\n\r\n", isHead: isHead)
        #expect(progress == .complete)
        #expect(head.framing == expected)
    }

    @Test(
        "Ambiguous framing is refused",
        arguments: [
            "Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1, 2", "Content-Length: 1,",
            "Content-Length: 1 1", "Content-Length: 1\r\n 1", "Content-Length:", "Content-Length: -1",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Content-Length: 1\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: \u{B}chunked", "Transfer-Encoding:", "Content-Length: x",
        ])
    func ambiguous(lines: String) {
        #expect(parse("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\n").0 != .complete)
    }

    @Test("Differing lengths are refused where no body follows, too", arguments: [true, false])
    func differingLengths(isHead: Bool) {
        let status = isHead ? "200" : "304"
        let text = "HTTP/1.1 \(status) X\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
        #expect(parse(text, isHead: isHead).0 == .flaw(.duplicateContentLength))
    }

    @Test(
        "What a line says is read without regard to how loosely it is written",
        arguments: [
            ("A : b\r\n", ["A=b"]), ("A\t \t:b\r\n", ["A=b"]), ("A: b\nC: d\n", ["A=b", "C=d"]),
            ("A: b\r\n c\r\n", ["A=b c"]), ("A: b \t\r\n \t c\r\n\t\td\r\n", ["A=b c d"]),
            ("A:\r\n b\r\nC: d\r\n", ["A=b", "C=d"]), ("A: b\n c\nC: d\r\n", ["A=b c", "C=d"]),
            ("A: b\r\n \r\nC: d\r\n", ["A=b", "C=d"]), ("A:\r\n \r\n\t\r\n", ["A="]),
            ("A: b\r\n \r\n c\r\n", ["A=b c"]), ("A:b\tc\r\n", ["A=b\tc"]), ("", []),
        ])
    func looseLines(lines: String, expected: [String]) {
        for (start, end) in [
            ("HTTP/1.1 200 OK\r\n", "\r\n"), ("HTTP/1.1 200 OK\n", "\n"), ("HTTP/1.1 200\n", "\r\n"),
        ] {
            #expect(fields(start + lines + end) == expected)
        }
    }

    @Test(
        "A line that says nothing certain is refused",
        arguments: [
            " a: b\r\n", "A b: c\r\n", ": b\r\n", " : b\r\n", "A\r\n", "A\r\n : b\r\n", "A: b\rC: d\r\n",
            "A: b\r\r\n", "A: \u{0}\r\n", "A: b\r\n \u{1}\r\n", "A: b\r\n c\rd\r\n", "\u{E9}: b\r\n",
        ])
    func uncertainLines(lines: String) {
        #expect(fields("HTTP/1.1 200 OK\r\n\(lines)\r\n") == nil)
    }

    @Test("The bounds are those of answers, and hold for folded lines, too")
    func bounds() {
        let line = "X: " + String(repeating: "y", count: 1000) + "\r\n"
        #expect(parse("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 200) + "\r\n").0 == .complete)
        #expect(
            parse("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 300)).0 == .flaw(.headTooLarge))
        let long = "X: " + String(repeating: "y", count: 200_000) + "\r\n\r\n"
        #expect(parse("HTTP/1.1 200 OK\r\n" + long).0 == .complete)
        let short = String(repeating: "X: y\r\n", count: 1000)
        #expect(parse("HTTP/1.1 200 OK\r\n\(short)\r\n").0 == .complete)
        #expect(parse("HTTP/1.1 200 OK\r\n\(short)X: y\r\n\r\n").0 == .flaw(.tooManyFields))
        var limits = HeadLimits.responses
        limits.fieldBytes = 100
        var parser = ResponseHeadParser(limits: limits)
        let folded = "HTTP/1.1 200 OK\r\nX: y\r\n" + String(repeating: " \r\n", count: 40) + "\r\n"
        #expect(Array(folded.utf8).withUnsafeBytes { parser.parse($0) } == .flaw(.fieldTooLarge))
    }

    @Test("Chunks in HTTP/1.0 are refused")
    func oldChunks() {
        #expect(parse("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").0 == .flaw(.encodingInHTTP10))
    }

    @Test(
        "Persistence and its timeout are read",
        arguments: [
            ("HTTP/1.1", "Content-Length: 0", true),
            ("HTTP/1.1", "Content-Length: 0\r\nConnection: close", false),
            ("HTTP/1.0", "Content-Length: 0", false),
            ("HTTP/1.0", "Content-Length: 0\r\nConnection: keep-alive", true),
            ("HTTP/1.1", "X: until the end", false),
        ])
    func persistence(version: String, lines: String, expected: Bool) {
        #expect(parse("\(version) 200 OK\r\n\(lines)\r\n\r\n").1.isPersistent == expected)
        #expect(
            parse("\(version) 200 OK\r\nKeep-Alive: max=5, timeout=7\r\n\(lines)\r\n\r\n").1.keepAliveSeconds
                == 7)
        #expect(
            parse("\(version) 200 OK\r\nKeep-Alive: timeout=x\r\n\(lines)\r\n\r\n").1.keepAliveSeconds == nil)
    }
}
