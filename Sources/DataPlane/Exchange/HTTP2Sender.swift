import HTTP2
import NIOCore

/// A connection whose streams have payload to send.
///
/// A protocol, since both a client's connection and an upstream's are one.
protocol PayloadSource: AnyObject {
    /// Whether the peer takes bytes as fast as they come.
    var isWritable: Bool { get }

    /// Gives the next `count` bytes of a stream, in pieces.
    func takePayload(_ count: Int, of stream: Int32, _ piece: (ByteBuffer) -> Void)
}

/// Sends what an HTTP/2 session has to send: its frames with the payload that belongs between them, in few writes, without
/// copying large pieces.
///
/// A value that its connection owns.
struct HTTP2Sender {
    private var output = HTTP2Output()

    /// Sends for as long as there is something and the peer takes it; `isLast` sends also what it does not take at once.
    mutating func send(
        _ session: HTTP2Session, by writer: ChannelWriter, _ spares: inout SpareBuffers,
        from source: some PayloadSource, isLast: Bool = false
    ) {
        while source.isWritable || isLast {
            session.produce(into: &output, limit: Limits.http2WriteBytes)
            guard !output.isEmpty else { return }
            var out = spares.take()
            var start = 0
            for gap in output.gaps {
                out.writeBytes(output.bytes[start..<gap.offset])
                start = gap.offset
                source.takePayload(gap.count, of: gap.stream) { piece in
                    guard piece.readableBytes > Limits.coalescedBodyBytes else {
                        out.writeImmutableBuffer(piece)
                        return
                    }
                    writer.send(out, isHead: true)
                    out = ByteBuffer()
                    writer.send(piece)
                }
            }
            out.writeBytes(output.bytes[start...])
            if out.readableBytes > 0 { writer.send(out, isHead: true) }
            spares.keep(&out)
        }
    }
}
