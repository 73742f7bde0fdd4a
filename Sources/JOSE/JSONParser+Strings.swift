extension JSONParser {
    /// Parses the string whose opening quote stands at `position`; gives the range of its unescaped bytes.
    mutating func parseString() throws(JSONFlaw) -> Range<Int> {
        position += 1
        let start = position
        while true {
            position = JSONParser.endOfPlainText(in: bytes.span, from: position)
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return start..<position - 1
            }
            if byte == UInt8(ascii: "\\") { return try unescapeString(from: start) }
            guard byte >= 0x80 else { throw position >= bytes.count - 1 ? .unexpectedEnd : .controlCharacter }
            guard let length = UTF8Sequence.length(in: bytes.span, at: position) else { throw .invalidUTF8 }
            position += length
        }
    }

    /// The first index from `index` on whose byte is a quote, a backslash, a control character or not ASCII, eight
    /// bytes at a time. There is one: the zero byte at the end.
    private static func endOfPlainText(in bytes: Span<UInt8>, from index: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = index
        while index + 8 <= bytes.count {
            let word = UInt64(
                littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            // Subtracting borrows only upwards, so the lowest byte that is marked is marked rightly.
            let control = word &- ones &* 0x20
            let quote = (word ^ ones &* 0x22) &- ones
            let backslash = (word ^ ones &* 0x5C) &- ones
            let marks = (word | control | quote | backslash) & 0x8080_8080_8080_8080
            if marks != 0 { return index + marks.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count - 1 {
            let byte = bytes[index]
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
            index += 1
        }
        return index
    }

    /// Goes on from the first backslash, moving what follows to the left as escapes shrink.
    private mutating func unescapeString(from start: Int) throws(JSONFlaw) -> Range<Int> {
        var end = position
        while true {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return start..<end
            case UInt8(ascii: "\\"):
                position += 1
                end = try unescape(to: end)
            case 0..<0x20:
                throw position >= bytes.count - 1 ? .unexpectedEnd : .controlCharacter
            case 0..<0x80:
                bytes[end] = byte
                end += 1
                position += 1
            default:
                guard let length = UTF8Sequence.length(in: bytes.span, at: position) else {
                    throw .invalidUTF8
                }
                for offset in 0..<length { bytes[end + offset] = bytes[position + offset] }
                end += length
                position += length
            }
        }
    }

    /// Writes what the escape behind a backslash stands for to `end`; gives the new end, never beyond `position`.
    private mutating func unescape(to end: Int) throws(JSONFlaw) -> Int {
        let byte = bytes[position]
        let plain: UInt8
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain = byte
        case UInt8(ascii: "b"): plain = 0x08
        case UInt8(ascii: "f"): plain = 0x0C
        case UInt8(ascii: "n"): plain = 0x0A
        case UInt8(ascii: "r"): plain = 0x0D
        case UInt8(ascii: "t"): plain = 0x09
        case UInt8(ascii: "u"):
            position += 1
            return write(try unescapeScalar(), to: end)
        default:
            throw position >= bytes.count - 1 ? .unexpectedEnd : .invalidEscape
        }
        bytes[end] = plain
        position += 1
        return end + 1
    }

    /// The scalar behind `\u`, read from one escape or from the two of a surrogate pair (RFC 8259 §7).
    private mutating func unescapeScalar() throws(JSONFlaw) -> UInt32 {
        let unit = try hexadecimalUnit()
        guard 0xD800...0xDFFF ~= unit else { return unit }
        guard unit < 0xDC00, bytes[position] == UInt8(ascii: "\\") else { throw .unpairedSurrogate }
        position += 1
        guard bytes[position] == UInt8(ascii: "u") else { throw .unpairedSurrogate }
        position += 1
        let low = try hexadecimalUnit()
        guard 0xDC00...0xDFFF ~= low else { throw .unpairedSurrogate }
        return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
    }

    private mutating func hexadecimalUnit() throws(JSONFlaw) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw position >= bytes.count - 1 ? .unexpectedEnd : .invalidEscape
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }

    private mutating func write(_ scalar: UInt32, to end: Int) -> Int {
        func continuation(_ shift: UInt32) -> UInt8 {
            0x80 | UInt8(truncatingIfNeeded: scalar >> shift & 0x3F)
        }
        switch scalar {
        case 0..<0x80:
            bytes[end] = UInt8(truncatingIfNeeded: scalar)
            return end + 1
        case 0x80..<0x800:
            bytes[end] = 0xC0 | UInt8(truncatingIfNeeded: scalar >> 6)
            bytes[end + 1] = continuation(0)
            return end + 2
        case 0x800..<0x10000:
            bytes[end] = 0xE0 | UInt8(truncatingIfNeeded: scalar >> 12)
            bytes[end + 1] = continuation(6)
            bytes[end + 2] = continuation(0)
            return end + 3
        default:
            bytes[end] = 0xF0 | UInt8(truncatingIfNeeded: scalar >> 18)
            bytes[end + 1] = continuation(12)
            bytes[end + 2] = continuation(6)
            bytes[end + 3] = continuation(0)
            return end + 4
        }
    }
}
