import AuthorizationMessages
import ExternalAuthorization
import SwiftProtobuf
import TestSupport
import Testing

@Suite struct CheckResponseTests {
    /// The message behind the prefix, as the library reads it.
    static func read(_ bytes: [UInt8]) throws -> LibraryResponse {
        try #require(bytes.count >= 5 && bytes[0] == 0)
        let length = bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
        #expect(length == bytes.count - 5)
        return try LibraryResponse(serializedBytes: Array(bytes[5...]))
    }

    static func option(_ name: String, _ value: String) -> LibraryOption {
        var option = LibraryOption()
        option.header.key = name
        option.header.value = value
        option.appendAction = .overwriteIfExistsOrAdd
        return option
    }

    @Test("A verdict by which the request goes on says what is set, what is removed and who it is")
    func admitted() throws {
        var response = CheckResponse()
        response.beginOK()
        Array(
            "X-Poolgate-Subject: abc\r\nX-Empty: \r\nX-Long: \(String(repeating: "v", count: 400))\r\n".utf8
        )
        .withUnsafeBytes { response.set(lines: $0) }
        Array("Cookie".utf8).withUnsafeBytes { name in
            Array("a=b".utf8).withUnsafeBytes { response.set(name, $0) }
        }
        Array("X-Forwarded-User".utf8).withUnsafeBytes { response.remove($0) }
        Array("token".utf8).withUnsafeBytes { response.removeParameter($0) }
        var metadata = VerdictMetadata()
        metadata.tenant = Array("acme.example.com".utf8)
        metadata.subject = Array("abc".utf8)
        metadata.rule = 7
        let read = try Self.read(response.endOK(metadata) { Array($0) })

        var expected = LibraryResponse()
        expected.status = .init()
        expected.okResponse.headers = [
            Self.option("X-Poolgate-Subject", "abc"), Self.option("X-Empty", ""),
            Self.option("X-Long", String(repeating: "v", count: 400)), Self.option("Cookie", "a=b"),
        ]
        expected.okResponse.headersToRemove = ["X-Forwarded-User"]
        expected.okResponse.queryParametersToRemove = ["token"]
        expected.dynamicMetadata = [
            "tenant": "acme.example.com", "subject": "abc", "rule": 7,
        ]
        #expect(read == expected)
    }

    @Test("A verdict by which the client is refused says status, fields, body and code")
    func denied() throws {
        var response = CheckResponse()
        response.beginDenied(status: 401)
        Array("WWW-Authenticate".utf8).withUnsafeBytes { name in
            Array(#"Bearer realm="a""#.utf8).withUnsafeBytes { response.add(name, $0) }
        }
        var metadata = VerdictMetadata()
        metadata.code = Array("missing_token".utf8)
        let bytes = response.endDenied(
            text: Array("{}\n".utf8), code: 16, reason: Array("missing_token".utf8), metadata
        ) { Array($0) }

        var expected = LibraryResponse()
        expected.status.code = 16
        expected.status.message = "missing_token"
        expected.deniedResponse.status.code = 401
        expected.deniedResponse.headers = [Self.option("WWW-Authenticate", #"Bearer realm="a""#)]
        expected.deniedResponse.body = "{}\n"
        expected.dynamicMetadata = ["code": "missing_token"]
        #expect(try Self.read(bytes) == expected)
    }

    @Test("A writer serves one response after the other, of any length")
    func reuse() throws {
        var response = CheckResponse()
        var generator = SeededGenerator(seed: 3)
        for number in 0..<500 {
            var expected = LibraryResponse()
            expected.status = .init()
            expected.okResponse = .init()
            response.beginOK()
            for _ in 0..<Int.random(in: 0...8, using: &generator) {
                let value = String(
                    repeating: "é", count: [0, 1, 62, 63, 64, 8_191, 8_192].randomElement() ?? 0)
                expected.okResponse.headers.append(Self.option("X-\(number)", value))
                Array("X-\(number)".utf8).withUnsafeBytes { name in
                    Array(value.utf8).withUnsafeBytes { response.set(name, $0) }
                }
            }
            #expect(try Self.read(response.endOK(VerdictMetadata()) { Array($0) }) == expected)
        }
    }
}
