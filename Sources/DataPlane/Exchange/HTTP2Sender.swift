import HTTP2
import NIOCore

/// A connection whose streams have payload to send.
///
/// A protocol, since both a client's connection and an upstream's are one.
protocol PayloadSource: AnyObject {
    /// Whether the peer takes bytes as fast as they come.
    var isWritable: Bool { get }

    /// Gives the next bytes of a stream, at most `count`; nil where the stream is gone.
    func nextPayload(atMost count: Int, of stream: Int32) -> ByteBuffer?

    /// Ends at once.
    func close()
}

/// Sends what an HTTP/2 session has to send: its frames with the payload that belongs between them, in few writes, without
/// copying large pieces.
///
/// A class, since a write can fail at once and come back here through the end of its connection: so nothing is held while
/// anything is written.
final class HTTP2Sender {
    private let worker: Worker
    /// What was produced last, for its room.
    private var spare = HTTP2Output()
    /// Bytes that were sent and not counted yet.
    private var uncounted: UInt64 = 0

    init(_ worker: Worker) {
        self.worker = worker
    }

    /// Sends for as long as there is something and the peer takes it; `isLast` sends also what it does not take at once.
    func send(
        _ session: HTTP2Session, by writer: ChannelWriter, from source: some PayloadSource,
        isLast: Bool = false
    ) {
        var output = HTTP2Output()
        swap(&output, &spare)
        while source.isWritable || isLast {
            session.produce(into: &output, limit: Limits.http2WriteBytes)
            guard !output.isEmpty else { break }
            write(output, by: writer, from: source)
        }
        swap(&output, &spare)
    }

    /// How many bytes were sent since the last call.
    func takeSentBytes() -> UInt64 {
        defer { uncounted = 0 }
        return uncounted
    }

    private func write(_ output: HTTP2Output, by writer: ChannelWriter, from source: some PayloadSource) {
        var out = worker.spareBuffers.take()
        var start = 0
        for gap in output.gaps {
            out.writeBytes(output.bytes[start..<gap.offset])
            start = gap.offset
            var rest = gap.count
            while rest > 0, let piece = source.nextPayload(atMost: rest, of: gap.stream) {
                rest -= piece.readableBytes
                guard piece.readableBytes > Limits.coalescedBodyBytes else {
                    out.writeImmutableBuffer(piece)
                    continue
                }
                uncounted &+= UInt64(out.readableBytes + piece.readableBytes)
                let before = out
                out = ByteBuffer()
                writer.send(before, isHead: true)
                writer.send(piece)
            }
            // A frame whose head is out and whose payload is not there breaks everything behind it.
            guard rest == 0 else { return source.close() }
        }
        out.writeBytes(output.bytes[start...])
        uncounted &+= UInt64(out.readableBytes)
        if out.readableBytes > 0 { writer.send(out, isHead: true) }
        worker.spareBuffers.keep(&out)
    }
}
