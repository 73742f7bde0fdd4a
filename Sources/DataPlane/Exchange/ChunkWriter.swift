import NIOCore

extension ByteBuffer {
    /// Writes one chunk of the next `count` bytes of `payload` (RFC 9112 §7.1).
    mutating func writeChunk(_ payload: inout ByteBuffer, count: Int) {
        guard count > 0, var bytes = payload.readSlice(length: count) else { return }
        writeString(String(count, radix: 16))
        writeStaticString("\r\n")
        writeBuffer(&bytes)
        writeStaticString("\r\n")
    }
}
