import NIOCore

/// Payload of one HTTP/2 stream that waits to be sent, in the pieces in which it came.
///
/// Bounded by whoever adds to it: while `isFull`, no more is read from the other side, so that it holds at most the mark
/// and one read, in at most twice as much memory.
struct PayloadQueue {
    /// The piece that is sent next. Few streams have another one waiting, and only those have memory for more.
    private var first: ByteBuffer?
    private var rest: CircularBuffer<ByteBuffer>?
    private(set) var bytes = 0

    /// Whether so much waits that the other side is no longer read.
    var isFull: Bool { bytes >= Limits.writeHighWaterBytes }

    mutating func append(_ piece: ByteBuffer) {
        bytes += piece.readableBytes
        guard piece.readableBytes < Limits.joinedWriteBytes, var last = takeLast() else {
            return put(piece)
        }
        // Each piece keeps the whole read that it came with: small ones that must wait are copied together.
        if last.readableBytes + piece.readableBytes <= Limits.joinedWriteBytes {
            last.writeImmutableBuffer(piece)
            put(last)
        } else {
            put(last)
            put(ByteBuffer(bytes: piece.readableBytesView))
        }
    }

    private mutating func takeLast() -> ByteBuffer? {
        rest?.popLast() ?? first.take()
    }

    private mutating func put(_ whole: ByteBuffer) {
        let piece = whole.forWaiting
        guard first != nil else {
            first = piece
            return
        }
        if rest == nil { rest = CircularBuffer(initialCapacity: 2) }
        rest?.append(piece)
    }

    /// Takes the next bytes, at most `count`; nil where there are none.
    mutating func next(atMost count: Int) -> ByteBuffer? {
        guard var next = first.take() else { return nil }
        let slice = next.readSlice(length: min(count, next.readableBytes))
        first = next.readableBytes > 0 ? next.forWaiting : rest?.popFirst()
        bytes -= slice?.readableBytes ?? 0
        return slice
    }

    mutating func removeAll() {
        self = PayloadQueue()
    }
}
