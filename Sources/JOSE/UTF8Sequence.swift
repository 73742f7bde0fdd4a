/// One character's bytes in UTF-8 (RFC 3629 §4).
enum UTF8Sequence {
    /// The length of the well-formed sequence of several bytes at `index`; nil for overlong forms, surrogates,
    /// values above U+10FFFF, stray continuations, and sequences that `bytes` ends in the middle of.
    @inline(__always)
    static func length(in bytes: Span<UInt8>, at index: Int) -> Int? {
        let available = bytes.count - index
        guard available >= 2 else { return nil }
        let first = bytes[index]
        let second = bytes[index + 1]
        switch first {
        case 0xC2...0xDF:
            return isContinuation(second) ? 2 : nil
        case 0xE0...0xEF:
            guard available >= 3, isContinuation(second), isContinuation(bytes[index + 2]) else { return nil }
            if first == 0xE0, second < 0xA0 { return nil }
            if first == 0xED, second > 0x9F { return nil }
            return 3
        case 0xF0...0xF4:
            guard available >= 4, isContinuation(second), isContinuation(bytes[index + 2]),
                isContinuation(bytes[index + 3])
            else { return nil }
            if first == 0xF0, second < 0x90 { return nil }
            if first == 0xF4, second > 0x8F { return nil }
            return 4
        default:
            return nil
        }
    }

    /// Whether all of `bytes` is well-formed.
    static func areWellFormed(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            if bytes[index] < 0x80 {
                index += 1
            } else if let length = length(in: bytes, at: index) {
                index += length
            } else {
                return false
            }
        }
        return true
    }

    @inline(__always)
    private static func isContinuation(_ byte: UInt8) -> Bool {
        byte & 0xC0 == 0x80
    }
}
