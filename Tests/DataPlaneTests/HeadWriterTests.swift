import Gatekeeper
import HTTP1
import NIOCore
import Testing

@testable import DataPlane

@Suite struct RequestHeadWriterTests {
    private static let identity = Array("X-Forwarded-User: alice\r\n".utf8)
    private static let way = Array(
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nVia: 1.1 gw\r\n".utf8)

    /// What goes upstream for a request of these lines.
    private func written(_ lines: String...) throws -> String {
        let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        return try bytes.withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            var buffer = ByteBuffer()
            RequestHeadWriter.write(
                parser.head, bytes, identityLines: Self.identity, wayLines: Self.way, into: &buffer)
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
                + "X-Forwarded-User: alice\r\nX-Forwarded-Host: acme.example:81\r\nX-Forwarded-For: 192.0.2.1\r\n"
                + "X-Forwarded-Proto: http\r\nVia: 1.1 gw\r\n\r\n")
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

@Suite struct OwnAnswerTests {
    private func written(
        _ refusal: Refusal, isHead: Bool = false, closes: Bool = false, isHTTP10: Bool = false
    ) -> String {
        var buffer = ByteBuffer()
        OwnAnswer.write(
            Answer(refusal),
            OwnAnswer.Circumstances(
                host: Array("acme.example".utf8), isHead: isHead, closes: closes, isHTTP10: isHTTP10,
                requestID: .random(), date: HTTPDate.bytes(secondsSinceEpoch: 784_111_777)),
            into: &buffer)
        return String(buffer: buffer)
    }

    @Test("A date has the preferred form")
    func date() {
        #expect(written(.missingToken).contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
        #expect(
            String(decoding: HTTPDate.bytes(secondsSinceEpoch: 951_782_400), as: UTF8.self)
                == "Tue, 29 Feb 2000 00:00:00 GMT")
        #expect(HTTPDate.bytes(secondsSinceEpoch: .max).count == 29)
        #expect(HTTPDate.bytes(secondsSinceEpoch: .min) == Array("Thu, 01 Jan 1970 00:00:00 GMT".utf8))
    }

    @Test("Without a token the challenge names no error, with a bad one it does")
    func challenges() {
        #expect(written(.missingToken).contains("\r\nWWW-Authenticate: Bearer realm=\"acme.example\"\r\n"))
        #expect(
            written(.badToken(.wrongIssuer)).contains(
                "\r\nWWW-Authenticate: Bearer realm=\"acme.example\", error=\"invalid_token\"\r\n"))
        #expect(!written(.unknownHost).contains("WWW-Authenticate"))
    }

    @Test("A client learns of a bad token only whether it has expired")
    func oracle() {
        let bodies = Set(
            TokenRefusal.allCases.map { Answer(.badToken($0)) }.map {
                "\($0.status) \($0.error) \($0.description)"
            })
        #expect(bodies.count == 2)
        #expect(
            Set(TokenRefusal.allCases.map { Answer(.badToken($0)).code }).count == TokenRefusal.allCases.count
        )
    }

    @Test("The answer to HEAD has the length of a body, and none")
    func head() throws {
        let answer = written(.unknownHost, isHead: true)
        #expect(answer.hasSuffix("\r\n\r\n"))
        #expect(answer.contains("Content-Length: "))
        #expect(written(.unknownHost).hasSuffix("}\n"))
    }

    @Test("Connection is said where it must be")
    func connection() {
        #expect(written(.unknownHost, closes: true).contains("\r\nConnection: close\r\n"))
        #expect(written(.unknownHost, isHTTP10: true).contains("\r\nConnection: keep-alive\r\n"))
        #expect(!written(.unknownHost).contains("\r\nConnection:"))
    }
}
