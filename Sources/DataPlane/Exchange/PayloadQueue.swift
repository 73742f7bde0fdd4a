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
        pieces.append(piece)
        bytes += piece.readableBytes
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
