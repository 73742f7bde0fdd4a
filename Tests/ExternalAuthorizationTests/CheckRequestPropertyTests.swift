import AuthorizationMessages
import ExternalAuthorization
import Foundation
import SwiftProtobuf
import TestSupport
import Testing

/// The gateway's own reader against swift-protobuf, on requests that chance wrote.
@Suite struct CheckRequestPropertyTests {
    static let names = ["authorization", "cookie", ":path", "x-a", "", "é", "accept", "x-forwarded-for"]

    static func text(_ generator: inout SeededGenerator) -> String {
        let pieces = [
            "a", "Bearer ", ",", "é", "😀", "\u{0}", "\r\n", "x=y; ", String(repeating: "t", count: 300),
        ]
        return (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            pieces.randomElement(using: &generator) ?? ""
        }.joined()
    }

    static func request(_ generator: inout SeededGenerator) -> LibraryRequest {
        var request = LibraryRequest()
        request.attributes.request.http.method = text(&generator)
        request.attributes.request.http.path = text(&generator)
        request.attributes.request.http.host = text(&generator)
        if Bool.random(using: &generator) { request.attributes.request.http.scheme = text(&generator) }
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            let name = names.randomElement(using: &generator) ?? ""
            request.attributes.request.http.headers[name] = text(&generator)
        }
        guard Int.random(in: 0..<3, using: &generator) == 0 else { return request }
        request.attributes.request.http.headerMap.headers = (0..<Int.random(in: 0...6, using: &generator)).map
        { _ in
            var header = Envoy_Config_Core_V3_HeaderValue()
            header.key = names.randomElement(using: &generator) ?? ""
            if Bool.random(using: &generator) { header.value = text(&generator) }
            if Bool.random(using: &generator) {
                header.rawValue = Data((0..<9).map { _ in UInt8.random(in: 0...255, using: &generator) })
            }
            return header
        }
        return request
    }

    static func mutate(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...2, using: &generator) {
            guard let place = bytes.indices.randomElement(using: &generator) else { break }
            // At first stand the tags and the lengths of what holds the rest.
            let isFront = Int.random(in: 0..<4, using: &generator) == 0
            let index = isFront ? place % min(bytes.count, 24) : place
            switch Int.random(in: 0..<16, using: &generator) {
            case 0, 5, 6, 7, 8: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1, 9, 10, 11, 12, 13, 14: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.remove(at: index)
            case 3: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            case 4: bytes.removeLast(bytes.count - index)
            default: bytes += bytes[index...]
            }
        }
        return bytes
    }

    @Test("What the library writes, the gateway reads as the library does")
    func written() throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<3_000 {
            let message: [UInt8] = try Self.request(&generator).serializedBytes()
            guard try Reading(message) == Reading(library: message) else {
                Issue.record("\(message) is read differently")
                return
            }
        }
    }

    @Test("No mutation crashes the reader, and it reads and refuses messages as the library does")
    func mutations() throws {
        var generator = SeededGenerator(seed: 2)
        var (read, refused) = (0, 0)
        for number in 0..<10_000 {
            var request = Self.request(&generator)
            // In an entry of a map the library does not pass over a value of another kind than the map's, but reads it as
            // the next tag; ours does as the encoding has it. There it is enough that nothing crashes.
            let isComparable = number % 2 == 0
            if isComparable { request.attributes.request.http.headers = [:] }
            let seed: [UInt8] = try request.serializedBytes()
            let message = Self.mutate(seed, &generator)
            let ours = try? Reading(message)
            let library = isComparable ? try? Reading(library: message) : ours
            guard ours == library else {
                Issue.record("\(message) is \(String(describing: ours)), not \(String(describing: library))")
                return
            }
            if ours == nil { refused += 1 } else { read += 1 }
        }
        // Were nearly everything refused, or nearly nothing, little would have been tested.
        #expect(read > 1_000 && refused > 1_000)
    }
}
