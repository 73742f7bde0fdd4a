import TestSupport

/// Request heads: mostly right, then spoiled a little, so that both sides of every rule are met.
struct HeadGenerator {
    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// One head, whole or spoiled, ending in an empty line unless that was spoiled too.
    mutating func head() -> [UInt8] {
        var lines = [startLine()]
        lines += hostLines()
        for _ in 0..<below(5) {
            lines.append(pick(chance(12) ? HeadGenerator.badFields : HeadGenerator.fields))
        }
        if chance(6) { lines.append(pick(HeadGenerator.goodFraming)) }
        if chance(12) { lines.append(pick(HeadGenerator.framing)) }
        if chance(40) { lines.append(pick(HeadGenerator.framing)) }
        if chance(60) { lines += Array(repeating: "X-Many: y", count: 10 + below(10)) }
        if chance(60) { lines.append("X-Long: " + String(repeating: "v", count: 440 + below(120))) }
        if chance(60) {
            lines += (0..<8).map { "X-\($0): " + String(repeating: "w", count: 200 + below(80)) }
        }
        var head = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        if chance(4) {
            for _ in 0...below(2) { spoil(&head) }
        }
        return head
    }

    // MARK: Parts

    private mutating func startLine() -> String {
        let method =
            chance(24)
            ? pick(["OPTIONS", "CONNECT", "TRACE", "get", "BREW", "G@T", ""])
            : pick(["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH"])
        let target =
            chance(14)
            ? pick(HeadGenerator.oddTargets)
            : pick(["/", "/a/b?c=d", "/%41;x", "/a?b?c", "/~a_b-c.d", "http://a.example/x"])
        let version =
            chance(30)
            ? pick([
                "HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/1.1 ", "RTSP/1.0",
                "HTTP/11", "",
            ]) : "HTTP/1.1"
        let space = chance(80) ? pick(["  ", "\t", ""]) : " "
        let filler = chance(80) ? String(repeating: "p", count: 480 + below(60)) : ""
        return "\(method)\(space)\(target)\(filler) \(version)"
    }

    private mutating func hostLines() -> [String] {
        if chance(40) { return [] }
        if chance(40) { return ["Host: a.example", pick(["Host: a.example", "host: b.example"])] }
        return [chance(18) ? "Host: " + pick(HeadGenerator.oddHosts) : "Host: a.example"]
    }

    private static let oddTargets = [
        "*", "a.example:80", "http://a.example", "http://b.example/", "HTTP://A.EXAMPLE/x",
        "https://a.example/", "http://u@a.example/",
        "http:///x", "ftp://a.example/", "/x#y", "/\u{7F}", "/é", "//x", "/a b", "http://a.example:81/", "?x",
        "x",
    ]

    private static let oddHosts = [
        "", "a.example:80", "a.example:", "a.example:x", "a.example:70000", "u@a.example",
        "a.example, b.example", "a b", "[::1]", "[::1]:80",
        "[::1", "é.example", "a%2eb", "A.EXAMPLE", "a.example.", "a/b",
    ]

    private static let fields = [
        "Accept: */*", "X-Empty:", "X-Tab:\ta\tb\t", "X-Space:    v   ", "Cookie: a=b; c=d",
        "Connection: close", "Connection: keep-alive",
        "Connection: close\t", "Connection: x, close", "Connection: upgrade", "Upgrade: websocket",
        "X-Obs: caf\u{E9}", "Authorization: Bearer abc",
        "TE: trailers", "x_under: 1", "X.Dot: 1", "Expect: 100-continue", "X-Colon: a:b",
        "Keep-Alive: timeout=5", "Via: 1.1 x",
    ]

    private static let badFields = [
        "Expect: magic", "X Y: 1", "X-Sp : 1", ": v", "noColon",
        " folded: x", "X-Ctl: \u{1}", "X-Nul: \u{0}", "X-Del: \u{7F}", "\u{E9}: x",
    ]

    private static let goodFraming = [
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 007", "Transfer-Encoding: chunked",
        "content-length: 12",
    ]

    private static let framing = [
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 5, 5", "Content-Length: +5",
        "Content-Length: -1", "Content-Length: 0x5",
        "Content-Length:", "Content-Length: 99999999999999999999", "Content-Length: 9223372036854775808",
        "Content-Length: 5 5",
        "Content-Length: 007", "Transfer-Encoding: chunked", "Transfer-Encoding: Chunked",
        "Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding:",
        "Transfer-Encoding: \u{B}chunked", "Transfer-Encoding: chunked;x", "content-length: 5",
        "TRANSFER-ENCODING: chunked",
    ]

    // MARK: Spoiling

    private mutating func spoil(_ head: inout [UInt8]) {
        guard head.count > 4 else { return }
        let place = below(head.count)
        let byte = pick(
            [
                0x00, 0x01, 0x09, 0x0A, 0x0B, 0x0D, 0x20, 0x22, 0x23, 0x2C, 0x3A, 0x40, 0x7F, 0x80, 0xFF,
                0x41, 0x61, 0x30,
            ] as [UInt8])
        switch below(8) {
        case 0: head[place] = byte
        case 1: head.insert(byte, at: place)
        case 2: head.remove(at: place)
        case 3: head.swapAt(place, below(head.count))
        case 4: replaceLineEnd(&head, with: [0x0A])
        case 5:
            replaceLineEnd(
                &head,
                with: pick([[0x0D], [0x0D, 0x0D, 0x0A], [0x0D, 0x0A, 0x20], [0x0D, 0x0A, 0x09], []]))
        case 6:
            head.insert(contentsOf: pick([[0x0D, 0x0A], [0x0A], [0x0D], [0x0D, 0x0A, 0x0D, 0x0A]]), at: 0)
        default: head.insert(contentsOf: head[place...].prefix(below(12)), at: place)
        }
    }

    private mutating func replaceLineEnd(_ head: inout [UInt8], with end: [UInt8]) {
        let places = head.indices.dropLast().filter { head[$0] == 0x0D && head[$0 + 1] == 0x0A }
        guard !places.isEmpty else { return }
        let place = pick(places)
        head.replaceSubrange(place...(place + 1), with: end)
    }

    // MARK: Chance

    private mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
