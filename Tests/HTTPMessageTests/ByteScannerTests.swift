import Testing

@testable import HTTPMessage

@Suite struct ByteScannerTests {
    @Test func `Text ends at the first control character but TAB, and at DEL, wherever it stands`() {
        for length in [0, 1, 7, 8, 31, 32, 33, 75] {
            for place in 0..<length {
                for byte in UInt8.min ... .max {
                    var bytes = [UInt8](repeating: 0x7E, count: length)
                    bytes[place] = byte
                    let isText = byte == 9 || byte >= 0x20 && byte != 0x7F
                    for start in [0, place] {
                        let end = bytes.withUnsafeBytes { ByteScanner.endOfText($0, from: start, to: length) }
                        #expect(end == (isText ? length : place))
                    }
                }
            }
        }
    }
}
