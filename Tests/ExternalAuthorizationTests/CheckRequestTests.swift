import AuthorizationMessages
import ExternalAuthorization
import Foundation
import HTTPMessage
import SwiftProtobuf
import Testing

typealias LibraryRequest = Envoy_Service_Auth_V3_CheckRequest
typealias LibraryResponse = Envoy_Service_Auth_V3_CheckResponse
typealias LibraryOption = Envoy_Config_Core_V3_HeaderValueOption

/// A request as somebody says that a message has it.
struct Reading: Hashable {
    var method: [UInt8] = []
    var path: [UInt8] = []
    var host: [UInt8] = []
    var scheme: [UInt8] = []
    var isRaw = false
    /// Names and values, in order where the message has one.
    var fields: [[[UInt8]]] = []

    /// As the gateway reads it.
    init(_ message: [UInt8]) throws {
        self = try message.withUnsafeBytes { bytes in
            let request = try CheckRequest(reading: bytes)
            var reading = Reading()
            reading.method = Array(bytes[request.method.range])
            reading.path = Array(bytes[request.path.range])
            reading.host = Array(bytes[request.host.range])
            reading.scheme = Array(bytes[request.scheme.range])
            reading.isRaw = request.isRaw
            reading.fields = request.fields.map {
                [Array(bytes[$0.name.range]), Array(bytes[$0.value.range])]
            }
            if !reading.isRaw { reading.sort() }
            return reading
        }
    }

    /// As the library reads it.
    init(library message: [UInt8]) throws {
        let http = try LibraryRequest(serializedBytes: message).attributes.request.http
        method = Array(http.method.utf8)
        path = Array(http.path.utf8)
        host = Array(http.host.utf8)
        scheme = Array(http.scheme.utf8)
        isRaw = http.hasHeaderMap
        if isRaw {
            fields = http.headerMap.headers.map { header in
                [
                    Array(header.key.utf8),
                    header.rawValue.isEmpty ? Array(header.value.utf8) : Array(header.rawValue),
                ]
            }
        } else {
            fields = http.headers.map { [Array($0.key.utf8), Array($0.value.utf8)] }
            sort()
        }
    }

    private init() {}

    private mutating func sort() {
        fields.sort { $0[0].lexicographicallyPrecedes($1[0]) }
    }
}

@Suite struct CheckRequestTests {
    /// A request of Envoy's with joined fields, or with those that `raw` has.
    static func request(raw: [(String, [UInt8])]? = nil) -> LibraryRequest {
        var request = LibraryRequest()
        request.attributes.request.http.method = "GET"
        request.attributes.request.http.path = "/a?b=c"
        request.attributes.request.http.host = "acme.example.com:8080"
        request.attributes.request.http.scheme = "https"
        guard let raw else {
            request.attributes.request.http.headers = [
                "authorization": "Bearer a.b.c", "accept": "*/*", ":path": "/a",
            ]
            return request
        }
        request.attributes.request.http.headerMap.headers = raw.map { name, value in
            var header = Envoy_Config_Core_V3_HeaderValue()
            header.key = name
            header.rawValue = Data(value)
            return header
        }
        return request
    }

    static func bytes(_ message: some SwiftProtobuf.Message) throws -> [UInt8] {
        try message.serializedBytes()
    }

    /// The payload inside of messages, each the field of that number in the one before.
    static func nested(_ numbers: [UInt8], _ payload: [UInt8]) -> [UInt8] {
        numbers.reversed().reduce(payload) { inner, number in
            var length: [UInt8] = []
            var rest = inner.count
            while rest >= 128 {
                length.append(UInt8(rest & 127 | 128))
                rest >>= 7
            }
            return [number << 3 | 2] + length + [UInt8(rest)] + inner
        }
    }

    /// How the gateway refuses the message; nil where it reads it.
    static func refusal(_ message: [UInt8]) -> CallRefusal? {
        do {
            _ = try Reading(message)
            return nil
        } catch {
            return error as? CallRefusal
        }
    }

    @Test("A request with joined fields is read as the library reads it")
    func joined() throws {
        let message = try Self.bytes(Self.request())
        let reading = try Reading(message)
        #expect(reading == (try Reading(library: message)))
        #expect(reading.fields.count == 3 && !reading.isRaw)
    }

    @Test("A request with raw fields keeps their order, repeats and bytes that are no UTF-8")
    func raw() throws {
        let fields: [(String, [UInt8])] = [("b", [0xFF, 0x20, 0x80]), ("a", []), ("b", Array("2".utf8))]
        let message = try Self.bytes(Self.request(raw: fields))
        let reading = try Reading(message)
        #expect(reading == (try Reading(library: message)))
        #expect(reading.fields == fields.map { [Array($0.0.utf8), $0.1] })
    }

    @Test("Raw fields are preferred to joined ones, even where there are none")
    func preference() throws {
        var request = Self.request()
        request.attributes.request.http.headerMap = .init()
        let reading = try Reading(Self.bytes(request))
        #expect(reading.isRaw && reading.fields == [])
    }

    @Test("Messages that come twice are one, and of a name in the map the last value holds")
    func merging() throws {
        var second = LibraryRequest()
        second.attributes.request.http.path = "/second"
        second.attributes.request.http.headers = ["accept": "text/html", "new": "1"]
        let message = try Self.bytes(Self.request()) + Self.bytes(second)
        let reading = try Reading(message)
        #expect(reading == (try Reading(library: message)))
        #expect(reading.path == Array("/second".utf8) && reading.fields.count == 4)
    }

    @Test("What is not asked for is passed over, whatever its kind")
    func unknownFields() throws {
        let unknown: [[UInt8]] = [
            [0x78, 0x96, 0x01], [0x79, 1, 2, 3, 4, 5, 6, 7, 8], [0x7A, 2, 1, 2], [0x7D, 1, 2, 3, 4],
            [0x7B, 0x08, 0x01, 0x83, 0x01, 0x84, 0x01, 0x7C], [0x80, 0x80, 0x80, 0x00 | 0x40, 0x01],
            // A known number, written as another kind.
            [0x08, 0x05],
        ]
        for extra in unknown {
            let message = extra + (try Self.bytes(Self.request())) + extra
            #expect(try Reading(message) == Reading(library: message), "\(extra)")
        }
    }

    @Test(
        "What breaks the encoding is refused",
        arguments: [
            [0x0A], [0x0A, 0x05, 0x01], [0x00, 0x01], [0x07], [0x0C], [0x0B, 0x08], [0x0B, 0x14],
            [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
            Array(repeating: 0x80, count: 11), [0x0D, 1, 2], [0x09, 1, 2], [0x08],
        ] as [[UInt8]])
    func malformed(message: [UInt8]) {
        #expect(throws: (any Error).self) { try Reading(library: message) }
        #expect(Self.refusal(message) == .malformed)
    }

    @Test("A text that is no UTF-8 is refused, wherever it stands")
    func badText() throws {
        for text in [[0xFF], [0xC3], Array(repeating: 0x61, count: 40) + [0xE2, 0x82]] as [[UInt8]] {
            let path: [UInt8] = [0x22, UInt8(text.count)] + text
            let http: [UInt8] = [0x12, UInt8(path.count)] + path
            let request: [UInt8] = [0x22, UInt8(http.count)] + http
            let message: [UInt8] = [0x0A, UInt8(request.count)] + request
            #expect(throws: (any Error).self) { try Reading(library: message) }
            #expect(Self.refusal(message) == .malformed)
        }
    }

    @Test("As many fields are read as may be, and one more is refused", arguments: [false, true])
    func fieldCount(isRaw: Bool) throws {
        func message(_ count: Int) throws -> [UInt8] {
            let names = (0..<count).map { "x-\($0)" }
            guard !isRaw else { return try Self.bytes(Self.request(raw: names.map { ($0, [0x31]) })) }
            var request = Self.request(raw: nil)
            request.attributes.request.http.headers = .init(uniqueKeysWithValues: names.map { ($0, "1") })
            return try Self.bytes(request)
        }
        #expect(try Reading(message(1024)).fields.count == 1024)
        #expect(try Self.refusal(message(1025)) == .tooManyFields)
    }

    @Test("Of a name that comes again the last value holds, and each of them counts against the bound")
    func repeatedName() throws {
        /// Entries of the map, all of the name `a`; the value is the place modulo 100.
        func message(_ count: Int) -> [UInt8] {
            let entries = (0..<count).flatMap { place -> [UInt8] in
                let value = Array(String(place % 100).utf8)
                let entry = [0x0A, 1, 0x61, 0x12, UInt8(value.count)] + value
                return [0x1A, UInt8(entry.count)] + entry
            }
            return Self.nested([1, 4, 2], entries)
        }
        let read = try Reading(message(1024))
        #expect(read.fields == [[[0x61], Array("23".utf8)]])
        #expect(Self.refusal(message(1025)) == .tooManyFields)
    }

    @Test("Names of one hash are different names")
    func collidingNames() throws {
        // Both have the same 32 bits of FNV-1a.
        var request = Self.request(raw: nil)
        request.attributes.request.http.headers = ["costarring": "1", "liquid": "2"]
        let read = try Reading(Self.bytes(request))
        #expect(read.fields.count == 2)
    }

    @Test("Groups within groups are passed over up to their bound, and refused beyond")
    func nestedGroups() {
        func message(_ depth: Int) -> [UInt8] {
            Array(repeating: 0x7B, count: depth) + Array(repeating: 0x7C, count: depth)
        }
        #expect(Self.refusal(message(32)) == nil)
        #expect(Self.refusal(message(33)) == .malformed)
    }
}
