import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// The fields that follow a chunked body, with the bytes that their offsets point into (RFC 9112 §7.1.2).
struct TrailerSection {
    let fields: [HeadField]
    let bytes: ByteBuffer

    /// Trailers whose offsets point into `bytes`; nil where there are none.
    init?(_ fields: [HeadField], _ bytes: ByteBuffer) {
        guard !fields.isEmpty else { return nil }
        self.fields = fields
        self.bytes = bytes
    }

    /// The trailers of `body`, whose end `bytes` holds; nil where there are none.
    init?(_ body: ChunkedBody, _ bytes: ByteBuffer) {
        guard !body.trailers.isEmpty else { return nil }
        fields = body.trailers
        var bytes = bytes
        bytes.moveReaderIndex(forwardBy: body.trailerStart)
        self.bytes = bytes
    }
}

/// Writes trailers anew: fields that frame, route or identify have no business there (RFC 9110 §6.5.1).
enum TrailerWriter {
    /// Writes the trailers, without the empty line that ends the message, and without those of a tenant's own `stripped`
    /// list, which a request's trailers lose, too.
    static func write(
        _ trailers: TrailerSection, stripped: StrippedNames = StrippedNames(), into buffer: inout ByteBuffer
    ) {
        trailers.bytes.withUnsafeReadableBytes { section in
            buffer.writeHead(expected: section.count) { output in
                var kept = KeptLines()
                for field in trailers.fields
                where isPassedOn(field, section) && !field.isStripped(by: stripped, section) {
                    kept.keep(field, section, into: &output)
                }
                kept.flush(section, into: &output)
            }
        }
    }

    /// Whether a trailer goes on: one that frames, routes or identifies does not.
    static func isPassedOn(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Bool {
        field.known == .other && !ProtectedNames.standard.contains(field, bytes)
    }
}
