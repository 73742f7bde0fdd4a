import HTTPMessage

/// Percent-encoded text (RFC 3986 §2.1).
enum PercentEncoding {
    /// The text with its encodings decoded once; a percent sign without two digits behind it stays.
    static func decoded(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.count,
                let high = ASCII.hexValue(text[index + 1]), let low = ASCII.hexValue(text[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    /// Percent-encodes what a header's value cannot carry, and what would make decoding ambiguous: bytes that are no
    /// printable ASCII, `%`, a leading or trailing space, and `separator`.
    static func encoded(_ value: [UInt8], also separator: UInt8? = nil) -> [UInt8] {
        // Most values are plain, and stay what they are.
        if isPlain(value, separator) { return value }
        var result: [UInt8] = []
        result.reserveCapacity(value.count + 16)
        for (index, byte) in value.enumerated() {
            let isEdge = index == 0 || index == value.count - 1
            let isPlain =
                byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "%")
                && !(byte == ASCII.space && isEdge) && byte != separator
            if isPlain {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            }
        }
        return result
    }

    private static func isPlain(_ value: [UInt8], _ separator: UInt8?) -> Bool {
        guard value.first != ASCII.space, value.last != ASCII.space else { return false }
        for byte in value
        where byte &- 0x20 >= 0x5F || byte == UInt8(ascii: "%") || byte == separator { return false }
        return true
    }
}
