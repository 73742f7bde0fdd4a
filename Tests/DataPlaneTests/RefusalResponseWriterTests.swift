import Gatekeeper
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

@Suite struct RefusalResponseWriterTests {
    private func written(
        _ refusal: Refusal, isHead: Bool = false, closes: Bool = false, isHTTP10: Bool = false,
        origin: String = ""
    ) -> String {
        var buffer = ByteBuffer()
        RefusalResponseWriter.write(
            refusal.row,
            RefusalResponseWriter.Circumstances(
                host: Array("acme.example".utf8), isHead: isHead, closes: closes, isHTTP10: isHTTP10,
                allowedOrigin: Array(origin.utf8), requestID: .random(),
                date: HTTPDate.bytes(secondsSinceEpoch: 784_111_777)),
            into: &buffer)
        return String(buffer: buffer)
    }

    @Test("A date has the preferred form")
    func date() {
        #expect(written(.credential(.missingToken)).contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"))
        #expect(
            String(decoding: HTTPDate.bytes(secondsSinceEpoch: 951_782_400), as: UTF8.self)
                == "Tue, 29 Feb 2000 00:00:00 GMT")
        #expect(HTTPDate.bytes(secondsSinceEpoch: .max).count == 29)
        #expect(HTTPDate.bytes(secondsSinceEpoch: .min) == Array("Thu, 01 Jan 1970 00:00:00 GMT".utf8))
    }

    @Test("Without a token the challenge names no error, with a bad one it does")
    func challenges() {
        #expect(
            written(.credential(.missingToken)).contains(
                "\r\nWWW-Authenticate: Bearer realm=\"acme.example\"\r\n"))
        #expect(
            written(.token(.wrongIssuer)).contains(
                "\r\nWWW-Authenticate: Bearer realm=\"acme.example\", error=\"invalid_token\"\r\n"))
        #expect(!written(.host(.unknown)).contains("WWW-Authenticate"))
    }

    @Test("The response to HEAD has the length of a body, and none")
    func head() throws {
        let response = written(.host(.unknown), isHead: true)
        #expect(response.hasSuffix("\r\n\r\n"))
        #expect(response.contains("Content-Length: "))
        #expect(written(.host(.unknown)).hasSuffix("}\n"))
    }

    @Test("Connection is said where it must be")
    func connection() {
        #expect(written(.host(.unknown), closes: true).contains("\r\nConnection: close\r\n"))
        #expect(written(.host(.unknown), isHTTP10: true).contains("\r\nConnection: keep-alive\r\n"))
        #expect(!written(.host(.unknown)).contains("\r\nConnection:"))
    }

    @Test("Whatever a status asks for stands between the body's length and the connection")
    func fields() {
        #expect(
            written(.message(.forbiddenMethod), closes: true).contains(
                "\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\nConnection: close\r\n"))
        #expect(written(.gateway(.stale)).contains("\r\nRetry-After: 5\r\n"))
        #expect(
            written(.request(.webSocketVersion), closes: true).contains(
                "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n"))
    }

    @Test("Every refusal is one response: a status line, a body as long as it says, no line of its own")
    func grammar() throws {
        for refusal in Refusal.allCases {
            let parts = written(refusal, closes: true).split(separator: "\r\n\r\n")
            try #require(parts.count == 2, "\(refusal)")
            let lines = parts[0].split(separator: "\r\n")
            #expect(lines[0] == "HTTP/1.1 \(refusal.row.status.code) \(refusal.row.status.reason)")
            #expect(lines.contains("Content-Length: \(parts[1].utf8.count)"))
            #expect(!parts[0].replacing("\r\n", with: "").contains { $0 == "\r" || $0 == "\n" })
            #expect(Set(lines.dropFirst().map { $0.prefix { $0 != ":" } }).count == lines.count - 1)
        }
    }

    @Test("A page of a listed origin reads 401 and 403, and nothing else")
    func origins() {
        for refusal in Refusal.allCases {
            let isReadable = written(refusal, origin: "https://app.example").contains(
                "Access-Control-Allow-Origin: https://app.example\r\n")
            #expect(isReadable == [401, 403].contains(refusal.row.status.code), "\(refusal)")
        }
    }
}
