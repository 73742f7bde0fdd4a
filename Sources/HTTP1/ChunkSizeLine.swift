import HTTPMessage

/// Reads `chunk-size [ chunk-ext ] CRLF` (RFC 9112 §7.1) byte by byte, so that no byte of it is kept or looked at twice,
/// wherever a peer cuts it; an extension's bytes are only looked at for their end.
struct ChunkSizeLine: Sendable {
    enum Progress {
        case needMore
        case size(UInt64)
        case flaw
    }

    private enum Place {
        case digits, spaceBehindSize, chunkExtension, lineFeed
    }

    private var place = Place.digits
    private var size: UInt64 = 0
    private var digits = 0
    /// Bytes of the line so far, at most `Limits.chunkLineBytes`.
    private var length = 0
    private let isLenient: Bool

    /// A line; behind the size of a lenient one, white space may stand alone.
    init(isLenient: Bool) {
        self.isLenient = isLenient
    }

    /// Uses bytes from `index` on, and moves it behind the last byte used.
    mutating func read(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Progress {
        while index < bytes.count {
            let byte = bytes[index]
            index &+= 1
            length &+= 1
            guard length <= Limits.chunkLineBytes else { return .flaw }
            switch place {
            case .digits:
                if let digit = ASCII.hexValue(byte) {
                    guard digits < Limits.chunkSizeDigits else { return .flaw }
                    digits &+= 1
                    size = size << 4 | UInt64(digit)
                } else {
                    guard digits > 0, let next = ChunkSizeLine.placeBehindSize(byte) else { return .flaw }
                    place = next
                }
            case .spaceBehindSize:
                // White space may stand before an extension only (BWS, RFC 9112 §7.1.1).
                if byte == UInt8(ascii: ";") {
                    place = .chunkExtension
                } else if byte == 13, isLenient {
                    place = .lineFeed
                } else if byte != 0x20, byte != 9 {
                    return .flaw
                }
            case .chunkExtension:
                if byte == 13 {
                    place = .lineFeed
                } else if byte != 9, byte < 0x20 || byte == 0x7F {
                    return .flaw
                }
            case .lineFeed:
                return byte == 10 ? .size(size) : .flaw
            }
        }
        return .needMore
    }

    private static func placeBehindSize(_ byte: UInt8) -> Place? {
        switch byte {
        case 13: .lineFeed
        case UInt8(ascii: ";"): .chunkExtension
        case 0x20, 9: .spaceBehindSize
        default: nil
        }
    }
}
