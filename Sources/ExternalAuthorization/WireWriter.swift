/// Writes fields of messages of Protocol Buffers ("Encoding") behind what is there.
struct WireWriter: Sendable {
    private(set) var bytes: [UInt8] = []

    /// How a field's value is written.
    enum Kind: UInt64 {
        case number = 0
        case double = 1
        case bytes = 2
    }

    /// Forgets what was written, keeps the room, and leaves so many bytes free in front.
    mutating func begin(front: Int) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: repeatElement(0, count: front))
    }

    mutating func write(tag number: Int, _ kind: Kind) {
        write(varint: WireWriter.tag(number, kind))
    }

    mutating func write(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func write(_ number: Int, _ value: UInt64) {
        write(tag: number, .number)
        write(varint: value)
    }

    mutating func write(_ number: Int, _ value: Double) {
        write(tag: number, .double)
        let pattern = value.bitPattern
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: pattern >> shift))
        }
    }

    mutating func write(_ number: Int, _ text: UnsafeRawBufferPointer) {
        write(tag: number, .bytes)
        write(varint: UInt64(text.count))
        bytes.append(contentsOf: text)
    }

    mutating func write(_ number: Int, _ text: [UInt8]) {
        text.withUnsafeBytes { write(number, $0) }
    }

    /// Begins a message of so many bytes, which are written next.
    mutating func begin(_ number: Int, bytes count: Int) {
        write(tag: number, .bytes)
        write(varint: UInt64(count))
    }

    /// Writes `message`, which is no longer than the front, so that it ends where the front does; where it begins.
    mutating func fill(front: Int, _ message: [UInt8]) -> Int {
        let start = front - message.count
        for (index, byte) in message.enumerated() where start >= 0 { bytes[start + index] = byte }
        return start
    }

    // MARK: Sizes, in bytes

    static func tag(_ number: Int, _ kind: Kind) -> UInt64 { UInt64(number) << 3 | kind.rawValue }

    static func size(varint value: UInt64) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) }

    /// The size of a field with so many bytes.
    static func size(_ number: Int, bytes count: Int) -> Int {
        size(varint: tag(number, .bytes)) + size(varint: UInt64(count)) + count
    }
}
