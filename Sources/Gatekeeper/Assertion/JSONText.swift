/// JSON as the gateway writes it (RFC 8259 §7).
enum JSONText {
    /// UTF-8 as a JSON string, its quotes included.
    static func string(_ text: some Sequence<UInt8>) -> [UInt8] {
        var written: [UInt8] = [UInt8(ascii: "\"")]
        append(text, to: &written)
        written.append(UInt8(ascii: "\""))
        return written
    }

    /// An array of strings.
    static func array(_ texts: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "[")] + texts.map { string($0) }.joined(separator: [UInt8(ascii: ",")])
            + [UInt8(ascii: "]")]
    }

    private static func append(_ text: some Sequence<UInt8>, to written: inout [UInt8]) {
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): written += [UInt8(ascii: "\\"), byte]
            case ..<0x10: written += Array("\\u000\(String(byte, radix: 16))".utf8)
            case 0x10..<0x20: written += Array("\\u00\(String(byte, radix: 16))".utf8)
            default: written.append(byte)
            }
        }
    }
}
