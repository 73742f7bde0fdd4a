import HTTPMessage
import NIOCore

/// Writes the bytes of a head one after the other into memory that was reserved for it.
///
/// `ByteBuffer`'s own writes look each time whether the storage is shared and large enough (150 to 210 instructions each,
/// 25 of them a request); a head's size is known well enough beforehand to look once.
///
/// Invariant: `base` is valid for `capacity` bytes while the closure of `ByteBuffer.writeHead` or `HeadCursor.write` runs,
/// which alone make cursors, and every write is held to `capacity`: what does not fit sets `isOverflowing`, and a head is
/// written again with more room.
struct HeadCursor: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    fileprivate private(set) var count = 0
    fileprivate private(set) var isOverflowing = false

    fileprivate init(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    /// Writes `bytes` as they are.
    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let place = place(bytes.count) else { return }
        place.copyMemory(from: source, byteCount: bytes.count)
    }

    /// Writes those bytes of `bytes` that lie in `range`.
    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        write(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    /// Writes ASCII.
    @inline(__always)
    mutating func write(_ text: StaticString) {
        guard let place = place(text.utf8CodeUnitCount) else { return }
        place.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    /// Writes an array's bytes.
    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    /// Writes a number in decimal digits.
    mutating func write(decimal number: UInt64) {
        var digits = 1
        var rest = number / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        guard let place = place(digits) else { return }
        var left = number
        for index in stride(from: digits - 1, through: 0, by: -1) {
            place.storeBytes(
                of: UInt8(truncatingIfNeeded: 0x30 + left % 10), toByteOffset: index, as: UInt8.self)
            left /= 10
        }
    }

    /// Writes 64 bits as sixteen lower-case hexadecimal digits.
    @inline(__always)
    mutating func write(hexadecimal number: UInt64) {
        guard let place = place(16) else { return }
        let (first, second) = HexadecimalDigits.digits(of: number)
        place.storeBytes(of: first.littleEndian, as: UInt64.self)
        place.storeBytes(of: second.littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// Writes a field as RFC 9112 §5 wants it: nothing before the colon, one space for each fold, CRLF at the end.
    mutating func writeAnew(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) {
        write(bytes, field.name.range)
        write(": ")
        let most = field.value.count
        if let place = place(most) {
            let written = field.unfold(
                bytes, into: UnsafeMutableRawBufferPointer(start: place, count: most))
            count -= most - written
        }
        write("\r\n")
    }

    /// Room for `length` bytes; nil where there is not so much.
    @inline(__always)
    private mutating func place(_ length: Int) -> UnsafeMutableRawPointer? {
        guard length <= capacity &- count, !isOverflowing else {
            isOverflowing = true
            return nil
        }
        defer { count &+= length }
        return base + count
    }
}

extension HeadCursor {
    /// Lets `body` write into `memory`; how many bytes it wrote, none where they do not fit.
    static func write(into memory: UnsafeMutableRawBufferPointer, _ body: (inout HeadCursor) -> Void) -> Int {
        guard let base = memory.baseAddress else { return 0 }
        var cursor = HeadCursor(base, memory.count)
        body(&cursor)
        return cursor.isOverflowing ? 0 : cursor.count
    }
}

extension ByteBuffer {
    /// Appends a head of about `expected` bytes that `body` writes. Where it turns out longer, `body` is called again with
    /// twice the room.
    mutating func writeHead(expected: Int, _ body: (inout HeadCursor) -> Void) {
        var room = expected
        var isWhole = false
        while !isWhole {
            writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
                guard let base = memory.baseAddress else { return 0 }
                var cursor = HeadCursor(base, memory.count)
                body(&cursor)
                isWhole = !cursor.isOverflowing
                return isWhole ? cursor.count : 0
            }
            room *= 2
        }
    }
}
