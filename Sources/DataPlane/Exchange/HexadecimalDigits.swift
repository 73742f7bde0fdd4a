/// Sixteen hexadecimal digits of 64 bits, made without a loop.
enum HexadecimalDigits {
    /// The digits of `number`, the first in the lowest byte of the first word.
    static func digits(of number: UInt64) -> (UInt64, UInt64) {
        (eight(UInt32(truncatingIfNeeded: number >> 32)), eight(UInt32(truncatingIfNeeded: number)))
    }

    /// The eight lower-case digits of 32 bits, each in a byte of its own, the first in the lowest.
    private static func eight(_ number: UInt32) -> UInt64 {
        // Spread the halves, bytes and halves of bytes apart, so that each byte holds one digit's value.
        var spread = UInt64(number.byteSwapped)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread >> 4 | spread << 8) & 0x0F0F_0F0F_0F0F_0F0F
        // A value above 9 carries into bit 4 with 6 added; such a byte gets what leads from 0x3A to `a`.
        let isLetter = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ isLetter &* 0x27
    }

    /// The digits as text.
    static func text(_ number: UInt64) -> String {
        let (first, second) = digits(of: number)
        let bytes = [first, second].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
