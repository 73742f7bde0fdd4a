import HTTP1
import HTTPMessage
import NIOCore

extension ChunkedBody {
    /// What one read brought of a chunked body.
    enum Progress {
        /// Payload, maybe none, behind which more is to come.
        case more(ByteBuffer)
        /// The last of the payload, with what trailers there are.
        case last(ByteBuffer, TrailerSection?)
        case flaw(MessageFlaw)
    }

    /// Uses up what `inbound` holds of the body, and gives the payload of all its chunks in one piece.
    mutating func payload(from inbound: inout ByteBuffer) -> Progress {
        var payload = ByteBuffer()
        while true {
            switch inbound.withUnsafeReadableBytes({ next($0) }) {
            case .needMore(let used):
                inbound.moveReaderIndex(forwardBy: used)
                return .more(payload)
            case .payload(let skipped, let count):
                inbound.moveReaderIndex(forwardBy: skipped)
                payload.appendSlice(of: &inbound, length: count)
            case .end(let used):
                let trailers = TrailerSection(self, inbound)
                inbound.moveReaderIndex(forwardBy: used)
                return .last(payload, trailers)
            case .flaw(let flaw): return .flaw(flaw)
            }
        }
    }
}
