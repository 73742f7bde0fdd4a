import Gatekeeper
import HTTP1
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

/// Writes a trailer section anew: fields that frame, route or identify have no business there (RFC 9110 §6.5.1).
enum TrailerWriter {
    /// Writes the trailers of `body`, which lie in `bytes`, and the empty line that ends the message; without those of
    /// a tenant's own `stripped` list, where they are a request's.
    static func write(
        _ body: ChunkedBody, _ bytes: UnsafeRawBufferPointer, stripped: StrippedNames = StrippedNames(),
        into buffer: inout ByteBuffer
    ) {
        let section = UnsafeRawBufferPointer(rebasing: bytes[body.trailerStart...])
        for field in body.trailers
        where field.known == .other && !ProtectedNames.standard.contains(field, section)
            && !field.isStripped(by: stripped, section)
        {
            if field.isStrict {
                buffer.writeBytes(section[field.line.range])
            } else {
                buffer.writeAnew(field, section)
            }
        }
        buffer.writeStaticString("\r\n")
    }
}
