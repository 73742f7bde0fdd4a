import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

@Suite struct RequestHeadWriterTests {
    private let alice: Admission

    init() throws {
        alice = try AdmissionFixture().admission()
    }

    /// What goes upstream for a request of these lines, from 192.0.2.1.
    private func written(
        _ lines: String..., admission: Admission? = nil, isTrusted: Bool = false, isTLS: Bool = false,
        upgrades: Bool = false
    ) throws -> String {
        let way = ForwardedWay(
            address: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), isTLS: isTLS,
            isTrusted: isTrusted,
            pseudonym: Array("gw".utf8))
        let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        return try bytes.withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            var buffer = ByteBuffer()
            RequestHeadWriter.write(
                parser.head, bytes, admission ?? alice, way: way, id: RequestID(high: 1, low: 0xABC),
                trace: .none,
                upgrades: upgrades,
                into: &buffer)
            return String(buffer: buffer)
        }
    }

    @Test("The client's own fields pass as they are, between the host and the identity")
    func plain() throws {
        let head = try written(
            "GET /a?b=c HTTP/1.1", "Host: acme.example:81", "Accept: */*", "X-Custom_Name:  v ", "Cookie: a=b"
        )
        #expect(
            head
                == "GET /a?b=c HTTP/1.1\r\nHost: acme.example:81\r\nAccept: */*\r\nX-Custom_Name:  v \r\nCookie: a=b\r\n"
                + "X-Poolgate-Subject: s\r\nX-Poolgate-Tenant: a\r\nX-Poolgate-Pool: eu-west-1_abc\r\n"
                + "X-Poolgate-Client: c\r\nX-Poolgate-Principal: user\r\n"
                + "X-Forwarded-User: alice\r\nX-Forwarded-Host: acme.example:81\r\nX-Forwarded-For: 192.0.2.1\r\n"
                + "X-Forwarded-Proto: http\r\nX-Forwarded-Port: 81\r\nVia: 1.1 gw\r\n"
                + "X-Request-Id: 00000000000000010000000000000abc\r\n\r\n")
    }

    @Test("An assertion stands last in a head, and another one, or none, can be put in its place")
    func assertion() throws {
        let fixture = try AdmissionFixture()
        let admission = try fixture.admission()
        let (first, second) = (
            try fixture.assertion("1", of: admission), try fixture.assertion("22", of: admission)
        )
        #expect(first.lineBytes != second.lineBytes)
        let bytes = Array(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, X-Poolgate-Assertion\r\n\r\n".utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        func head(_ assertion: Assertion?) throws -> ByteBuffer {
            var buffer = ByteBuffer()
            let way = ForwardedWay(
                address: try SocketAddress(ipAddress: "192.0.2.1", port: 4000), isTLS: false,
                isTrusted: false,
                pseudonym: Array("gw".utf8))
            bytes.withUnsafeBytes { bytes in
                RequestHeadWriter.write(
                    parser.head, bytes, admission, way: way, id: RequestID(high: 1, low: 2), trace: .none,
                    upgrades: true, assertion: assertion, into: &buffer)
            }
            return buffer
        }
        #expect(bytes.withUnsafeBytes { parser.parse($0) } == .complete)
        var buffer = try head(first)
        #expect(
            buffer.readableBytesView.suffix(first.lineBytes + 2).elementsEqual(first.line + [0x0D, 0x0A]))
        RequestHeadWriter.replace(first, by: second, in: &buffer)
        #expect(buffer == (try head(second)))
        // What was forgotten meanwhile has left as many bytes in the head as it had.
        second.forget()
        RequestHeadWriter.replace(second, by: nil, in: &buffer)
        #expect(buffer == (try head(nil)))
    }

    @Test("From anybody else than a trusted balancer, the lines about the way are written anew")
    func untrustedWay() throws {
        let head = try written(
            "GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https",
            "X-Forwarded-Port: 8443", isTLS: true)
        #expect(
            head.contains(
                "\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n"))
        #expect(!head.contains("203.0.113.9"))
        #expect(try written("GET / HTTP/1.1", "Host: a:").contains("\r\nX-Forwarded-Port: 80\r\n"))
    }

    @Test("A trusted balancer's list is extended, and its scheme and port are kept")
    func trustedWay() throws {
        let head = try written(
            "GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 203.0.113.9",
            "x-forwarded-for: 10.0.0.1, 10.0.0.2",
            "X-Forwarded-Proto: https", "X-Forwarded-Port: 8443", isTrusted: true)
        #expect(
            head.contains(
                "\r\nX-Forwarded-For: 203.0.113.9, 10.0.0.1, 10.0.0.2, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
                    + "X-Forwarded-Port: 8443\r\n"))
        #expect(!head.contains("x-forwarded-for"))
    }

    @Test(
        "What a trusted balancer says of scheme and port counts only where it is a sane value",
        arguments: [
            ["X-Forwarded-Proto: gopher", "X-Forwarded-Port: 65536"],
            ["X-Forwarded-Proto: ftp, https", "X-Forwarded-Port: 1a"],
            ["X-Forwarded-Proto:", "X-Forwarded-Port:"], ["X_Forwarded_Proto: https", "X_Forwarded_Port: 1"],
        ])
    func strangeWay(lines: [String]) throws {
        let bytes = Array((["GET / HTTP/1.1", "Host: a"] + lines + ["", ""]).joined(separator: "\r\n").utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        let way = ForwardedWay(address: nil, isTLS: false, isTrusted: true, pseudonym: Array("gw".utf8))
        let text = try bytes.withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            var buffer = ByteBuffer()
            buffer.writeHead(expected: 8) { way.write(parser.head, bytes, into: &$0) }
            return String(buffer: buffer)
        }
        #expect(text.contains("X-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n"))
    }

    @Test("An upgrade is asked for in words of the gateway's own, and only where it is to be")
    func upgrade() throws {
        let lines = [
            "GET / HTTP/1.1", "Host: a", "Connection: upgrade, x", "Upgrade: websocket, h2c", "X: 1",
        ]
        let plain = try written(lines[0], lines[1], lines[2], lines[3], lines[4])
        #expect(!plain.lowercased().contains("upgrade"))
        let upgraded = try written(lines[0], lines[1], lines[2], lines[3], lines[4], upgrades: true)
        #expect(upgraded.hasSuffix("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
        #expect(!upgraded.contains("h2c") && !upgraded.contains("\r\nX: 1"))
    }

    @Test("No spelling of a protected name survives")
    func spellings() throws {
        let separators = ["-", "_", ".", "!", "~", "*", "'", "+", "|", "^", "`", "#", "$", "%", "&"]
        for name in ProtectedHeaders.names + ProtectedHeaders.prefixes.map({ $0 + "anything" }) {
            for separator in separators {
                for spelling in [name, name.uppercased()] {
                    let spelled = spelling.replacing("_", with: separator)
                    if ["host", "connection", "te", "upgrade", "expect"].contains(name) { continue }
                    if separator == "-", ["content_length", "transfer_encoding"].contains(name) { continue }
                    let head = try written("GET / HTTP/1.1", "Host: a", "\(spelled): forged", "Accept: x")
                    #expect(!head.contains("forged"), "\(spelled)")
                    #expect(head.contains("\r\nAccept: x\r\n"), "\(spelled)")
                }
            }
        }
    }

    @Test("Names that only resemble protected ones pass")
    func neighbours() throws {
        let head = try written(
            "GET / HTTP/1.1", "Host: a", "X-Forwarded-Users: 1", "X-Poolgat: 2", "XForwarded-User: 3",
            "my_header: 4")
        for line in ["X-Forwarded-Users: 1", "X-Poolgat: 2", "XForwarded-User: 3", "my_header: 4"] {
            #expect(head.contains("\r\n\(line)\r\n"))
        }
    }

    @Test("Connection removes what it names, but never what the gateway writes")
    func connection() throws {
        let head = try written(
            "GET / HTTP/1.1", "Host: a", "Connection: X-Mine, X-Forwarded-User, Via, close", "X-Mine: 1",
            "X-Other: 2",
            "Keep-Alive: timeout=5", "TE: trailers", "Upgrade: h2c", "Proxy-Connection: close")
        #expect(!head.contains("X-Mine"))
        #expect(head.contains("X-Other: 2"))
        #expect(head.contains("X-Forwarded-User: alice"))
        #expect(head.contains("Via: 1.1 gw"))
        for gone in ["Keep-Alive", "TE:", "Upgrade", "Proxy-Connection", "Connection"] {
            #expect(!head.contains(gone))
        }
    }

    @Test("Framing is written anew")
    func framing() throws {
        #expect(
            try written("POST / HTTP/1.1", "Host: a", "Content-Length: 007").contains(
                "\r\nContent-Length: 7\r\n"))
        #expect(
            try written("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: Chunked").contains(
                "\r\nTransfer-Encoding: chunked\r\n"))
        #expect(try !written("GET / HTTP/1.1", "Host: a").contains("Content-Length"))
        #expect(
            try written("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Expect: 100-Continue").contains(
                "\r\nExpect: 100-continue\r\n"))
    }

    @Test("An absolute target is sent in origin form, with the client's Host")
    func absolute() throws {
        #expect(
            try written("GET http://a.example/x?y HTTP/1.1", "Host: A.example").hasPrefix(
                "GET /x?y HTTP/1.1\r\nHost: A.example\r\n"))
        #expect(
            try written("GET http://a.example?y HTTP/1.1", "Host: a.example").hasPrefix(
                "GET /?y HTTP/1.1\r\n"))
        #expect(try written("OPTIONS * HTTP/1.1", "Host: a").hasPrefix("OPTIONS * HTTP/1.1\r\n"))
    }

    @Test("The bearer token reaches the upstream")
    func token() throws {
        #expect(
            try written("GET / HTTP/1.1", "Host: a", "Authorization: Bearer t").contains(
                "\r\nAuthorization: Bearer t\r\n"))
    }
}
