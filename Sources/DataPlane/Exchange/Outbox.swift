import NIOCore

/// What one peer is sent, in few buffers, however small the pieces and however slowly the peer reads.
///
/// A channel keeps each write that its socket did not take, with the whole storage behind it: a thousand pieces of one
/// byte would hold a thousand buffers, though only a thousand bytes count against its mark. So once the socket is behind,
/// small pieces are copied together and handed on `Limits.joinedWriteBytes` at a time. What a peer can make the gateway
/// hold is thereby the channel's mark, one read of the other side, and one buffer here.
struct Outbox {
    /// Whether writes wait in the channel; its owner then hears of the moment when they have left.
    private(set) var isBehind = false
    /// What waits here, less than `Limits.joinedWriteBytes`.
    private var held = ByteBuffer()
    private var unchecked = 0

    /// Bytes that wait here.
    var heldBytes: Int { held.readableBytes }

    /// Takes bytes to send; gives back what is to be written now, in one piece.
    mutating func add(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard isBehind else { return bytes }
        if held.readableBytes == 0 {
            if bytes.readableBytes >= Limits.joinedWriteBytes { return bytes }
            held = ByteBuffer()
            held.reserveCapacity(Limits.joinedWriteBytes)
        }
        var bytes = bytes
        held.writeBuffer(&bytes)
        return held.readableBytes >= Limits.joinedWriteBytes ? takeHeld() : nil
    }

    /// Whether to look now if the socket took everything: at each piece of a body, and now and then at a head, since
    /// the look costs more than a small write is worth.
    mutating func shouldLook(isHead: Bool) -> Bool {
        guard !isBehind else { return false }
        unchecked += 1
        guard !isHead || unchecked >= Limits.uncheckedWrites else { return false }
        unchecked = 0
        return true
    }

    /// The socket did not take everything.
    mutating func fellBehind() {
        isBehind = true
    }

    /// The socket has taken everything that was written; gives back what waited for that.
    mutating func caughtUp() -> ByteBuffer? {
        isBehind = false
        return takeHeld()
    }

    /// Gives back what waits here, also while the socket is behind; nil for nothing.
    mutating func takeHeld() -> ByteBuffer? {
        guard held.readableBytes > 0 else { return nil }
        defer { held = ByteBuffer() }
        return held
    }
}
