import Testing

@testable import HTTPMessage

/// The scans that look at several bytes at once, beside the same looked at byte by byte.
@Suite struct ByteScannerTests {
    @Test("Text ends at the first control character, wherever it stands", arguments: 0..<150)
    func endOfText(length: Int) {
        for _ in 0..<200 {
            var bytes = (0..<length).map { _ in UInt8.random(in: 0x20...0x7E) }
            for _ in 0..<Int.random(in: 0...3) where length > 0 {
                bytes[Int.random(in: 0..<length)] = .random(in: .min ... .max)
            }
            let start = Int.random(in: 0...length)
            let expected =
                bytes[start...].firstIndex { $0 < 0x20 && $0 != 9 || $0 == 0x7F } ?? bytes.count
            let found = bytes.withUnsafeBytes { ByteScanner.endOfText($0, from: start, to: bytes.count) }
            #expect(found == expected, "\(bytes) from \(start)")
        }
    }

    @Test("A control character is found at each place, whatever stands beside it")
    func everyPlace() {
        for place in 0..<134 {
            for control in [UInt8(0), 1, 8, 10, 13, 0x1F, 0x7F] {
                for beside in [UInt8(0x20), 0x21, 0x7E, 0x80, 0xFF, 9] {
                    var bytes = [UInt8](repeating: beside, count: 134)
                    bytes[place] = control
                    let found = bytes.withUnsafeBytes { ByteScanner.endOfText($0, from: 0, to: 134) }
                    #expect(found == place, "\(control) beside \(beside) at \(place)")
                }
            }
        }
    }

    @Test(
        "A name is itself in any letter case, and no other",
        arguments: [
            "te", "via", "host", "cookie", "upgrade", "connection", "100-continue", "authorization",
            "x-forwarded-for", "proxy-connection", "sec-websocket-key", "sec-websocket-version",
            "access-control-request-method",
        ] as [StaticString])
    func letterCase(name: StaticString) {
        let own = (0..<name.utf8CodeUnitCount).map { name.utf8Start[$0] }
        func isEqual(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { ByteScanner.equals($0, name) } }
        #expect(isEqual(own) && isEqual(own.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }))
        #expect(!isEqual(own + [0x61]) && !isEqual(Array(own.dropLast())))
        for place in own.indices {
            for byte in UInt8.min ... .max {
                var other = own
                other[place] = byte
                let isLetter = (0x61...0x7A).contains(own[place])
                let expected = byte == own[place] || isLetter && byte == own[place] & 0xDF
                #expect(isEqual(other) == expected, "\(byte) at \(place)")
            }
        }
    }
}
