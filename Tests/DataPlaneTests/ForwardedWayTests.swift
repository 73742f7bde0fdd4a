import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

/// What balancers write about a request's way, in the forms that people's balancers write it.
@Suite struct ForwardedWayTests {
    private static let trusted = ["10.0.0.0/8", "fd00::/8", "192.0.2.1"].compactMap(AddressRange.init)

    private func read<Result>(
        _ lines: [String], isTrusted: Bool = true, isTLS: Bool = false,
        _ body: (ForwardedWay, borrowing RequestHead, UnsafeRawBufferPointer) -> Result
    ) throws -> Result {
        let way = ForwardedWay(
            address: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), isTLS: isTLS,
            isTrusted: isTrusted, pseudonym: Array("gw".utf8))
        var lines = ["GET / HTTP/1.1"] + lines
        if !lines.contains(where: { $0.hasPrefix("Host") }) { lines.append("Host: a") }
        let bytes = Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        return try bytes.withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            return body(way, parser.head, bytes)
        }
    }

    /// Scheme and port as the upstream hears them.
    private func told(_ lines: [String], isTrusted: Bool = true, isTLS: Bool = false) throws -> String {
        let text = try read(lines, isTrusted: isTrusted, isTLS: isTLS) { way, head, bytes in
            var buffer = ByteBuffer()
            buffer.writeHead(expected: 512) { way.write(head, bytes, into: &$0) }
            return String(buffer: buffer)
        }
        return text.split(separator: "\r\n").filter { $0.hasPrefix("X-Forwarded-P") }
            .compactMap { $0.split(separator: " ").last.map(String.init) }.joined(separator: " ")
    }

    @Test(
        "The scheme counts in every spelling, and without a port it brings its own",
        arguments: [
            (["https"], "https 443"), (["HTTPS"], "https 443"), (["Http"], "http 80"), (["wss"], "https 443"),
            (["WS"], "http 80"), (["https, https"], "https 443"), (["https,http"], "https 443"),
            (["http", "https"], "http 80"), (["https", "http"], "https 443"), ([" , https"], "https 443"),
            (["", "wss"], "https 443"), (["gopher"], "http 80"), (["gopher, https"], "http 80"),
            (["https;x"], "http 80"), (["\"https\""], "http 80"),
        ])
    func schemes(lines: [String], expected: String) throws {
        let said = lines.map { "X-Forwarded-Proto: \($0)" }
        #expect(try told(said) == expected)
        // Nobody else is believed.
        #expect(try told(said, isTrusted: false) == "http 80")
        #expect(try told(said, isTrusted: false, isTLS: true) == "https 443")
    }

    @Test(
        "The port is the one said, else the one that the client wrote, else that of the scheme as told",
        arguments: [
            (["X-Forwarded-Proto: https", "Host: a:8443"], "https 8443"),
            (["X-Forwarded-Proto: https", "Host: a:"], "https 443"),
            (["X-Forwarded-Proto: https", "Host: a:8443", "X-Forwarded-Port: 444"], "https 444"),
            (["X-Forwarded-Port: 444"], "http 444"), (["X-Forwarded-Port: 444, 80"], "http 444"),
            (["X-Forwarded-Port: 444", "X-Forwarded-Port: 80"], "http 444"),
            (["X-Forwarded-Proto: wss", "X-Forwarded-Port: 0"], "https 443"),
            (["X-Forwarded-Proto: wss", "X-Forwarded-Port: 65536"], "https 443"),
            (["X-Forwarded-Proto: wss", "X-Forwarded-Port: 4a"], "https 443"),
            (["X-Forwarded-For: 10.0.0.1", "Host: a:81"], "http 81"),
        ])
    func ports(lines: [String], expected: String) throws {
        #expect(try told(lines) == expected)
    }

    private func client(_ lines: [String], isTrusted: Bool = true) throws -> String? {
        try read(lines.map { "X-Forwarded-For: \($0)" }, isTrusted: isTrusted) { way, head, bytes in
            way.client(head, bytes, trusted: Self.trusted)?.ipAddress
        }
    }

    static let spellings: [(String, String)] = ["203.0.113.7", "2001:db8::7"].flatMap { address in
        let isV6 = address.contains(":")
        let bracketed = isV6 ? ["[\(address)]", "[\(address)]:4321"] : ["\(address):4321", "[\(address)]:1"]
        let bare = [address] + bracketed
        return (bare + bare.map { "\"\($0)\"" } + bare.map { "\t\($0) " }).map { ($0, address) }
    }

    @Test("An address is the client's in every spelling", arguments: spellings)
    func addresses(text: String, address: String) throws {
        #expect(try client([text]) == address)
        #expect(try client(["198.51.100.1, \(text)"]) == address)
        #expect(try client(["198.51.100.1", text]) == address)
        #expect(try client(["\(text), 10.1.2.3, [fd00::1]:80"]) == address)
        #expect(try client([text, "10.1.2.3:80,,", ""]) == address)
        #expect(try client([text], isTrusted: false) == nil)
    }

    @Test(
        "What cannot be read ends the walk at the last hop that could be, and switches no bound off",
        arguments: [
            "unknown", "_hidden", "203.0.113", "203.0.113.7:x", "203.0.113.7:123456", "[2001:db8::7", "[]",
            "\"\"",
            "2001:db8::7]", "[2001:db8::7]x", "203.0.113.7;x", "for=203.0.113.7",
            "\"203.0.113.7",
            String(repeating: "1", count: 300),
        ])
    func unreadable(text: String) throws {
        // The balancer's own address, where it was the balancer that wrote so.
        #expect(try client([text]) == "192.0.2.1")
        #expect(try client(["203.0.113.9, \(text)"]) == "192.0.2.1")
        #expect(try client(["203.0.113.9, \(text), 10.1.2.3"]) == "10.1.2.3")
        #expect(try client([text, "203.0.113.9"]) == "203.0.113.9")
    }

    @Test("A list of trusted addresses alone names the first of them, one without any names nobody")
    func trustedAlone() throws {
        #expect(try client(["10.0.0.9, 10.0.0.8"]) == "10.0.0.9")
        #expect(try client([]) == nil)
        #expect(try client([""]) == nil)
        #expect(try client([" , ,"]) == nil)
    }

    @Test("No more hops are walked than anybody has")
    func hops() throws {
        let hops = (1...200).reversed().map { "10.0.0.\($0)" }.joined(separator: ",")
        #expect(try client(["203.0.113.7," + hops]) == "10.0.0.32")
    }
}
