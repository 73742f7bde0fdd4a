/// Frames of HTTP/2 (RFC 9113 §4.1) written by hand, since no library of clients lets one send what is wrong.
struct Frames {
    private(set) var bytes: [UInt8] = []

    /// What a client begins with: the preface, and SETTINGS without a parameter.
    static var opening: Frames {
        var frames = Frames()
        frames.bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        frames.add(type: 4)
        return frames
    }

    mutating func add(type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        let length = UInt32(payload.count)
        bytes += [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags]
        bytes += Frames.number(stream)
        bytes += payload
    }

    /// HEADERS, whole in one frame.
    mutating func headers(_ fields: [(String, String)], stream: UInt32 = 1, ends: Bool = true) {
        add(type: 1, flags: ends ? 5 : 4, stream: stream, Frames.block(fields))
    }

    mutating func data(_ payload: [UInt8], stream: UInt32 = 1, ends: Bool = false) {
        add(type: 0, flags: ends ? 1 : 0, stream: stream, payload)
    }

    mutating func reset(stream: UInt32 = 1, code: UInt32 = 8) {
        add(type: 3, stream: stream, Frames.number(code))
    }

    /// A header block whose fields are literals without an index (RFC 7541 §6.2.2).
    static func block(_ fields: [(String, String)]) -> [UInt8] {
        fields.flatMap { [0] + text($0.0) + text($0.1) }
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    /// A string without Huffman coding (RFC 7541 §5.2).
    private static func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var length = [UInt8(127)]
        var rest = bytes.count - 127
        while rest >= 128 {
            length.append(UInt8(rest & 127 | 128))
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }
}
