import AuthorizationMessages
import ExternalAuthorization
import Foundation
import Gatekeeper
import HTTPMessage
import NIOCore
import SwiftProtobuf
import Testing

@testable import DataPlane

/// What a message of Envoy's is read as: a request as HTTP/1.1 has it, or a refusal.
@Suite struct CheckQuestionTests {
    private typealias Fields = [(String, String)]

    private func question(
        _ fields: Fields = [], raw: Bool = true, method: String = "GET", path: String = "/a?b=c",
        host: String = "acme.example", scheme: String = ""
    ) throws -> Question {
        var message = Envoy_Service_Auth_V3_CheckRequest()
        message.attributes.request.http.method = method
        message.attributes.request.http.path = path
        message.attributes.request.http.host = host
        message.attributes.request.http.scheme = scheme
        if raw {
            message.attributes.request.http.headerMap.headers = fields.map { name, value in
                var header = Envoy_Config_Core_V3_HeaderValue()
                header.key = name
                header.rawValue = Data(value.utf8)
                return header
            }
        } else {
            message.attributes.request.http.headers = .init(uniqueKeysWithValues: fields)
        }
        let bytes: [UInt8] = try message.serializedBytes()
        var reader = QuestionReader(limits: HeadLimits(), secret: nil)
        return try bytes.withUnsafeBytes { try reader.read(check: $0, into: ByteBuffer()) }
    }

    /// The head that the question is about; the refusal's code where it is refused.
    private func text(_ question: Question) -> String {
        question.refusal?.row.code ?? String(buffer: question.bytes)
    }

    @Test("A request is written down as HTTP/1.1 has it, without what HTTP/2 and framing have in fields")
    func description() throws {
        let fields = [
            (":method", "POST"), (":authority", "other.example"), ("host", "other.example"),
            ("accept", "*/*"),
            ("content-length", "5"), ("transfer-encoding", "chunked"), ("te", "trailers"),
            ("expect", "100-continue"), ("connection", "close"), ("keep-alive", "1"), ("cookie", "a=b"),
            ("x-poolgate-caller", "the client's own"), ("cookie", "c=d"),
        ]
        #expect(
            text(try question(fields))
                == "GET /a?b=c HTTP/1.1\r\nHost: acme.example\r\naccept: */*\r\ncookie: a=b\r\n"
                + "x-poolgate-caller: the client's own\r\ncookie: c=d\r\n\r\n")
    }

    @Test("The scheme is told as a field where the client's proxy told none")
    func scheme() throws {
        #expect(text(try question(scheme: "https")).contains("\r\nX-Forwarded-Proto: https\r\n"))
        let told = try question([("x-forwarded-proto", "http")], scheme: "https")
        #expect(!text(told).contains("https"))
    }

    @Test("A WebSocket is known by its key on a GET, or by what it asks to become")
    func upgrades() throws {
        let asks = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        #expect(text(try question([key])).contains(asks))
        #expect(!text(try question([key], method: "POST")).contains(asks))
        #expect(text(try question([("upgrade", "WebSocket"), ("connection", "upgrade")])).contains(asks))
        #expect(!text(try question([("upgrade", "h2c")])).contains("pgrade"))
    }

    @Test("Two credentials that were joined by a comma are two lines again, and others keep their commas")
    func joinedCredentials() throws {
        func lines(_ value: String, raw: Bool = false) throws -> Int {
            text(try question([("authorization", value)], raw: raw)).components(
                separatedBy: "authorization: "
            ).count - 1
        }
        #expect(try lines("Bearer a.b.c") == 1)
        #expect(try lines("Bearer a.b.c,Bearer d.e.f") == 2)
        #expect(try lines("bEARER a.b.c, Basic YTpi") == 2)
        #expect(try lines("Basic YTpi,Bearer a.b.c") == 2)
        #expect(try lines("Digest a=b,c=d") == 1)
        #expect(try lines("Bearer a.b.c,Bearer d.e.f", raw: true) == 1)
    }

    @Test("A line end in any part of a message makes no field of its own")
    func lineEnds() throws {
        let injected = "x\r\nAuthorization: Bearer a.b.c"
        let questions = [
            try question([("x-a", injected)]), try question([(injected + "\r\nx", "y")]),
            try question(path: "/ HTTP/1.1\r\nAuthorization: Bearer a.b.c\r\nX-A: "),
            try question(method: "GET / HTTP/1.1\r\nAuthorization: Bearer a\r\nX: y\r\nGET"),
            try question(host: "acme.example\r\nAuthorization: Bearer a.b.c"),
            try question(scheme: "https\r\nX-A: b"),
            try question([("x-a", "1\r\n\r\nGET /b HTTP/1.1\r\nHost: b")]),
            try question([("x-a", "1\r\n folded")]),
            try question([("x-a", "1\n2")]), try question([("x-a", "\u{0}")]), try question([("", "")]),
            try question([("x a", "1")]), try question(path: "/a b"), try question(host: ""),
            try question(method: ""),
            try question(path: ""),
        ]
        for question in questions { #expect(text(question) == "bad_request", "\(text(question))") }
    }

    @Test("A message that nobody can read is a call's failure, not a verdict")
    func unreadable() throws {
        var reader = QuestionReader(limits: HeadLimits(), secret: nil)
        #expect(throws: CallRefusal.malformed) {
            try ([0x0A, 0x7F] as [UInt8]).withUnsafeBytes { try reader.read(check: $0, into: ByteBuffer()) }
        }
    }

    @Test("The request in question is held to the gateway's bounds")
    func bounds() throws {
        let many = (0..<100).map { ("x-\($0)", "a") }
        #expect(text(try question(many)) == "too_many_fields")
        #expect(try question(Array(many.dropFirst())).refusal == nil)
        #expect(text(try question(path: "/" + String(repeating: "a", count: 16_384))) == "target_too_long")
    }
}
