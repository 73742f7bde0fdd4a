import NIOCore

extension ByteBuffer {
    /// Appends bytes that were read to those still unused, and frees the room of the used ones.
    ///
    /// A buffer does not do so by itself: one that is never quite empty would grow for ever. Used bytes are dropped as
    /// soon as they are as many as those that stay, so that each byte is moved once at most on the average, and the
    /// storage is never larger than four times the most that waits.
    mutating func appendUnread(_ bytes: ByteBuffer) {
        guard readableBytes > 0 else {
            self = bytes
            return
        }
        if readerIndex >= readableBytes { discardReadBytes() }
        var bytes = bytes
        writeBuffer(&bytes)
    }
}

extension ByteBuffer {
    /// Appends the next `length` bytes of `buffer`: without a copy where nothing stands here yet.
    mutating func appendSlice(of buffer: inout ByteBuffer, length: Int) {
        guard var slice = buffer.readSlice(length: length) else { return }
        if readableBytes == 0 { self = slice } else { writeBuffer(&slice) }
    }
}

extension ByteBuffer {
    /// The bytes as they may wait: in memory of their own where they are less than half of a large read, which would be kept
    /// whole for them.
    var forWaiting: ByteBuffer {
        guard storageCapacity > Limits.sharedReadBytes, storageCapacity > 2 * readableBytes else {
            return self
        }
        return ByteBuffer(bytes: readableBytesView)
    }
}

extension Limits {
    /// Reads grow with what comes, up to their bound.
    static let readBuffers = AdaptiveRecvByteBufferAllocator(
        minimum: 512, initial: firstReadBytes, maximum: readBytes)
    static let http2ReadBuffers = AdaptiveRecvByteBufferAllocator(
        minimum: 512, initial: firstReadBytes, maximum: http2ReadBytes)
}
