import NIOCore

/// Payload of one HTTP/2 stream that waits to be sent, in the pieces in which it came.
///
/// Bounded by whoever adds to it: while `isFull`, no more is read from the other side, so that it holds at most the mark
/// and one read.
struct PayloadQueue {
    private var pieces = CircularBuffer<ByteBuffer>(initialCapacity: 1)
    private(set) var bytes = 0

    /// Whether so much waits that the other side is no longer read.
    var isFull: Bool { bytes >= Limits.writeHighWaterBytes }

    mutating func append(_ piece: ByteBuffer) {
        bytes += piece.readableBytes
        guard piece.readableBytes < Limits.joinedWriteBytes, var last = pieces.popLast() else {
            return pieces.append(piece)
        }
        // Each piece keeps the whole read that it came with: small ones that must wait are copied together.
        if last.readableBytes + piece.readableBytes <= Limits.joinedWriteBytes {
            last.writeImmutableBuffer(piece)
            pieces.append(last)
        } else {
            pieces.append(last)
            pieces.append(ByteBuffer(bytes: piece.readableBytesView))
        }
    }

    /// Takes the next bytes, at most `count`; nil where there are none.
    mutating func next(atMost count: Int) -> ByteBuffer? {
        guard var first = pieces.popFirst() else { return nil }
        let slice = first.readSlice(length: min(count, first.readableBytes))
        if first.readableBytes > 0 { pieces.prepend(first) }
        bytes -= slice?.readableBytes ?? 0
        return slice
    }

    mutating func removeAll() {
        pieces.removeAll()
        bytes = 0
    }
}
