import Foundation
import Gatekeeper
import Logging
import Testing

@testable import Gateway

private func object(_ line: LogLine) throws -> [String: Any] {
    let bytes = line.written(as: .json)
    #expect(bytes.last == 0x0A && !bytes.dropLast().contains { $0 < 0x20 || $0 == 0x7F })
    return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
}

@Suite struct LogFormatTests {
    @Test("A JSON line has time, level and event, then its fields in order")
    func json() {
        let line = LogLine(
            .info, "listening", ["listener": "proxy", "absent": nil, "n": 7, "kids": .list(["a", "b"])],
            at: Instant(seconds: 0))
        #expect(
            String(decoding: line.written(as: .json), as: UTF8.self)
                == #"{"time":"1970-01-01T00:00:00.000Z","level":"info","event":"listening","listener":"proxy","n":7,"kids":["a","b"]}"#
                + "\n")
    }

    @Test("A text line is quoted where a value could be taken for more than one")
    func text() {
        let line = LogLine(
            .warning, "x",
            ["a": "plain", "b": "two words", "c": "", "d": #"q"\="#, "e": .bytes([0x1B, 0xFF])],
            at: Instant(seconds: 0))
        #expect(
            String(decoding: line.written(as: .text), as: UTF8.self)
                == #"1970-01-01T00:00:00.000Z warning x a=plain b="two words" c="" d="q\"\\=" e="\x1b\xff""#
                + "\n")
    }

    @Test("Any byte in any place leaves a line of JSON that says it")
    func anyByte() throws {
        for byte in UInt8.min...UInt8.max {
            let bytes = [0x61, byte, 0x62]
            let read = try object(LogLine(.info, "e", ["v": .bytes(bytes)]))["v"] as? String
            #expect(read == String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("Text of every kind comes back whole from JSON")
    func anyText() throws {
        for text in [
            "é", "e\u{301}", "日本", "🧑‍🚀", "\u{2028}\u{2029}\u{85}\u{9B}", "\r\n\t\u{0}", "\"\\/", "</script>",
        ] {
            #expect(
                (try object(LogLine(.info, "e", ["v": .text(text)]))["v"] as? String)?.unicodeScalars
                    .elementsEqual(text.unicodeScalars) == true)
        }
    }

    @Test("Random bytes never break out of a text line")
    func randomBytes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0..<40)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            let line = LogLine(.info, "e", ["v": .bytes(bytes), "end": 1]).written(as: .text)
            #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 < 0x7F })
            #expect(String(decoding: line, as: UTF8.self).hasSuffix(" end=1\n"))
        }
    }

    @Test(
        "Times are RFC 3339 in UTC",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_763_892_840_123, "2025-11-23T10:14:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        ])
    func timestamps(milliseconds: Int64, text: String) {
        #expect(Instant(nanoseconds: milliseconds * 1_000_000).timestamp == text)
    }

    @Test("The first and the last instant have a timestamp too")
    func ends() {
        #expect(Instant.distantPast.timestamp.hasPrefix("1677-09-21T00:12:43."))
        #expect(Instant.distantFuture.timestamp == "2262-04-11T23:47:16.854Z")
    }
}
