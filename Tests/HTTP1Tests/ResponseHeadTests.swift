import HTTP1
import Testing

/// Heads of upstreams are read as strictly as those of clients.
@Suite struct ResponseHeadTests {
    private func parse(_ text: String, isHead: Bool = false) -> (HeadProgress, ResponseHead) {
        var parser = ResponseHeadParser(limits: HeadLimits())
        parser.reset(isHeadRequest: isHead)
        let progress = Array(text.utf8).withUnsafeBytes { parser.parse($0) }
        return (progress, parser.head)
    }

    @Test(
        "A status line has a version, three digits and a reason that may be empty",
        arguments: [
            ("HTTP/1.1 200 OK", true), ("HTTP/1.1 200 ", true), ("HTTP/1.1 200", true),
            ("HTTP/1.0 404 Not Found", true), ("HTTP/1.1 599 x", true), ("HTTP/1.1 600 x", false),
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
        ])
    func framing(status: String, line: String, isHead: Bool, expected: BodyFraming) {
        let (progress, head) = parse("HTTP/1.1 \(status) X\r\n\(line)\r\n\r\n", isHead: isHead)
        #expect(progress == .complete)
        #expect(head.framing == expected)
    }

    @Test(
        "Ambiguous framing is refused",
        arguments: [
            "Content-Length: 1\r\nContent-Length: 1", "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip", "Content-Length: x", "X: y\r\n folded",
        ])
    func ambiguous(lines: String) {
        #expect(parse("HTTP/1.1 200 OK\r\n\(lines)\r\n\r\n").0 != .complete)
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
