import AuthorizationMessages
import ExternalAuthorization
import HTTPMessage
import SwiftProtobuf
import Testing

@Suite struct CallTests {
    static func call(_ path: String) -> Call? { Array(path.utf8).withUnsafeBytes { Call(path: $0) } }

    @Test("A path names a call to the byte, and every other one names none")
    func paths() {
        #expect(Self.call("/envoy.service.auth.v3.Authorization/Check") == .check)
        #expect(Self.call("/grpc.health.v1.Health/Check") == .health)
        #expect(Self.call("/grpc.health.v1.Health/Watch") == .watch)
        for path in [
            "", "/", "/envoy.service.auth.v2.Authorization/Check",
            "/envoy.service.auth.v3.Authorization/check",
            "/envoy.service.auth.v3.Authorization/Check/", "/grpc.health.v1.Health/Watch?",
        ] {
            #expect(Self.call(path) == nil, "\(path)")
        }
    }

    @Test("Every refusal of a call has a code that is not OK, and words that a trailer can hold")
    func refusals() {
        for refusal in CallRefusal.allCases {
            #expect((1...16).contains(refusal.status))
            #expect(refusal.message.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "%") })
        }
    }

    /// Feeds the bytes in pieces of this size; how the call is refused, nil where the message is whole.
    static func receive(_ bytes: [UInt8], pieces: Int) -> CallRefusal? {
        var message = UnaryMessage()
        do {
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(pieces))
                rest = rest.dropFirst(pieces)
                try piece.withUnsafeBytes { try message.receive($0) }
            }
            try message.end()
            return nil
        } catch {
            return error as? CallRefusal
        }
    }

    @Test("One message is followed to its end, in pieces of any size", arguments: 1...9)
    func pieces(size: Int) {
        let message: [UInt8] = [0, 0, 0, 0, 3, 1, 2, 3]
        #expect(Self.receive(message, pieces: size) == nil)
        #expect(Self.receive([0, 0, 0, 0, 0], pieces: size) == nil)
        #expect(Self.receive(message + [0], pieces: size) == .secondMessage)
        #expect(Self.receive([], pieces: size) == .incomplete)
        for end in 1..<message.count {
            #expect(Self.receive(Array(message[..<end]), pieces: size) == .incomplete, "\(end)")
        }
        #expect(Self.receive([1] + message.dropFirst(), pieces: size) == .compressed)
        #expect(Self.receive([2] + message.dropFirst(), pieces: size) == .malformed)
    }

    @Test("A message of the greatest length is taken, and one byte more is refused before it comes")
    func length() {
        let longest = Limits.messageBytes
        let prefix: (Int) -> [UInt8] = { [0, 0, UInt8($0 >> 16), UInt8($0 >> 8 & 255), UInt8($0 & 255)] }
        #expect(Self.receive(prefix(longest) + [UInt8](repeating: 1, count: longest), pieces: 65_536) == nil)
        #expect(Self.receive(prefix(longest + 1), pieces: 5) == .tooLarge)
        #expect(Self.receive([0, 255, 255, 255, 255], pieces: 1) == .tooLarge)
    }

    @Test("Health is asked for and told as the library's messages say")
    func health() throws {
        var request = Grpc_Health_V1_HealthCheckRequest()
        request.service = "envoy.service.auth.v3.Authorization"
        let bytes: [UInt8] = try request.serializedBytes()
        let service = try bytes.withUnsafeBytes { bytes in
            let service = try HealthMessages.service(of: bytes)
            #expect(Call.isServed(UnsafeRawBufferPointer(rebasing: bytes[service.range])))
            return Array(bytes[service.range])
        }
        #expect(service == Array(request.service.utf8))
        let pairs: [(HealthMessages.Status, Grpc_Health_V1_HealthCheckResponse.ServingStatus)] = [
            (.serving, .serving), (.notServing, .notServing), (.serviceUnknown, .serviceUnknown),
        ]
        for (status, expected) in pairs {
            let response = HealthMessages.response(status)
            #expect(response.prefix(5) == [0, 0, 0, 0, 2])
            let message = try Grpc_Health_V1_HealthCheckResponse(serializedBytes: Array(response[5...]))
            #expect(message.status == expected)
        }
        for (name, isServed) in [("", true), ("grpc.health.v1.Health", true), ("other", false)] {
            #expect(Array(name.utf8).withUnsafeBytes { Call.isServed($0) } == isServed)
        }
    }
}
