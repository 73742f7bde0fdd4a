/// Classes of single bytes. Bytes from a wire are never read as `Character`, whose folding and digits are Unicode's.
///
/// Every function is inlinable, because the loops that call it stand in other modules.
@usableFromInline package enum ASCII {
    /// Whether the byte is `0` to `9`.
    @inlinable @inline(__always) package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
    /// Whether the byte is `a` to `z`.
    @inlinable @inline(__always) package static func isLower(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }
    /// Whether the byte is `A` to `Z`.
    @inlinable @inline(__always) package static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
    /// Whether the byte is a letter of either case.
    @inlinable @inline(__always) package static func isLetter(_ byte: UInt8) -> Bool { isLower(byte | 0x20) }
    /// Whether the byte is a letter of either case, or a digit.
    @inlinable @inline(__always) package static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLower(byte | 0x20)
    }
    /// The small letter of a capital one; every other byte as it is.
    @inlinable @inline(__always) package static func lowered(_ byte: UInt8) -> UInt8 {
        isUpper(byte) ? byte | 0x20 : byte
    }

    /// `-`
    @inlinable package static var hyphen: UInt8 { UInt8(ascii: "-") }
    /// `.`
    @inlinable package static var dot: UInt8 { UInt8(ascii: ".") }
    /// `:`
    @inlinable package static var colon: UInt8 { UInt8(ascii: ":") }
    /// `_`
    @inlinable package static var underscore: UInt8 { UInt8(ascii: "_") }
    /// The space, 0x20.
    @inlinable package static var space: UInt8 { UInt8(ascii: " ") }
    /// `/`
    @inlinable package static var slash: UInt8 { UInt8(ascii: "/") }

    /// The value of a hexadecimal digit of either case; nil for any other byte.
    @inlinable @inline(__always) package static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let lower = byte | 0x20
        return lower &- 0x61 < 6 ? lower &- 0x57 : nil
    }

    /// The upper-case hexadecimal digit of a value below 16.
    @inlinable @inline(__always) package static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 &+ nibble : 0x37 &+ nibble
    }

    /// The number that 1 to `maximumDigits` decimal digits say, at most 18 of them; nil for anything else, a sign and
    /// white space included.
    @inlinable package static func decimal(_ bytes: some Collection<UInt8>, maximumDigits: Int) -> Int? {
        guard !bytes.isEmpty, bytes.count <= min(maximumDigits, 18) else { return nil }
        var value = 0
        for byte in bytes {
            guard isDigit(byte) else { return nil }
            value = value * 10 + Int(byte &- 0x30)
        }
        return value
    }
}
