/// Follows the lengths of WebSocket frames (RFC 6455 §5.2), so that one of our own can be put between two of them.
///
/// Reads nothing else: opcodes, reserved bits and payloads are between client and upstream.
package struct WebSocketFrames: Sendable {
    /// Bytes of the frame's head seen so far: two, the longer lengths, the mask.
    private var head: [UInt8] = []
    private var payloadLeft: UInt64 = 0

    /// Begins at a boundary, before the first frame.
    package init() {
        head.reserveCapacity(Limits.webSocketHeadBytes)
    }

    /// Whether the next byte begins a frame.
    package var isAtBoundary: Bool { head.isEmpty && payloadLeft == 0 }

    /// Follows `bytes` as far as they go, or to the first boundary where one is wanted; how many were followed.
    package mutating func advance(_ bytes: UnsafeRawBufferPointer, toBoundary: Bool) -> Int {
        var index = 0
        while index < bytes.count {
            if toBoundary, isAtBoundary { return index }
            if payloadLeft > 0 {
                let step = min(payloadLeft, UInt64(bytes.count - index))
                index += Int(step)
                payloadLeft -= step
                continue
            }
            head.append(bytes[index])
            index += 1
            guard head.count == headLength else { continue }
            payloadLeft = payloadLength
            head.removeAll(keepingCapacity: true)
        }
        return index
    }

    /// How many bytes the head under way has, as far as its first two say; two until then.
    private var headLength: Int {
        guard head.count >= 2 else { return 2 }
        let length =
            switch head[1] & 0x7F {
            case 126: 4
            case 127: 10
            default: 2
            }
        return head[1] & 0x80 == 0 ? length : length + 4
    }

    /// The payload's length of a whole head; the top bit of a 64-bit length must be zero and is read as such.
    private var payloadLength: UInt64 {
        let short = head[1] & 0x7F
        guard short >= 126 else { return UInt64(short) }
        let extended = head[2..<(short == 126 ? 4 : 10)]
        return extended.reduce(0) { $0 << 8 | UInt64($1) } & (UInt64.max >> 1)
    }

    /// A Close frame as a server sends it: unmasked, the code and nothing more (RFC 6455 §5.5.1).
    package static func close(code: UInt16) -> [UInt8] {
        [0x88, 0x02, UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
    }
}
