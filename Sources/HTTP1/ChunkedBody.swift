package import HTTPMessage

/// Reads a chunked body while it streams (RFC 9112 §7.1): says where payload lies, drops extensions.
///
/// Every byte of framing is used up as it comes and looked at once; only a trailer section is kept by the caller until
/// it is whole, at most `Limits.trailerBytes` of it, and read on where the last call stopped.
package struct ChunkedBody: Sendable {
    /// What the next bytes are.
    package enum Piece: Sendable, Equatable {
        /// So many bytes were framing and are used up; more are needed.
        case needMore(used: Int)
        /// After `skipped` bytes of framing, so many bytes of payload.
        case payload(skipped: Int, count: Int)
        /// The body ended after so many bytes; the trailer's fields are in `trailers`.
        case end(used: Int)
        case flaw(MessageFlaw)
    }

    /// The trailer's fields, as offsets from `trailerStart` of the bytes given with `.end`.
    package private(set) var trailers: [HeadField] = []
    /// Where the trailer section begins in the bytes given with `.end`.
    package private(set) var trailerStart = 0

    private var state: State
    private let limits: HeadLimits
    private let isLenient: Bool

    private enum State {
        case size(ChunkSizeLine)
        /// So many bytes of the chunk are still to come.
        case payload(UInt64)
        case payloadCR
        case payloadLF
        case trailer(FieldSection)
    }

    /// A body whose trailer is held to `limits`; a lenient one, as responses have it, may have white space behind a size
    /// and trailers as loose as a head's fields.
    package init(limits: HeadLimits, isLenient: Bool = false) {
        self.limits = limits
        self.isLenient = isLenient
        self.state = .size(ChunkSizeLine(isLenient: isLenient))
    }

    /// Looks at the next bytes, which begin where the last piece ended.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) -> Piece {
        var used = 0
        while true {
            switch state {
            case .payload(let remaining):
                guard used < bytes.count else { return .needMore(used: used) }
                let count = Int(min(remaining, UInt64(bytes.count - used)))
                state = remaining == UInt64(count) ? .payloadCR : .payload(remaining - UInt64(count))
                return .payload(skipped: used, count: count)
            case .payloadCR, .payloadLF:
                guard used < bytes.count else { return .needMore(used: used) }
                let isCR = if case .payloadCR = state { true } else { false }
                guard bytes[used] == (isCR ? 13 : 10) else { return .flaw(.badChunk) }
                used += 1
                state = isCR ? .payloadLF : .size(ChunkSizeLine(isLenient: isLenient))
            case .size(var line):
                switch line.read(bytes, &used) {
                case .needMore:
                    state = .size(line)
                    return .needMore(used: used)
                case .flaw: return .flaw(.badChunk)
                case .size(0): state = .trailer(FieldSection(limits: limits, isLenient: isLenient))
                case .size(let size): state = .payload(size)
                }
            case .trailer(var section):
                // The section alone owns its fields while it reads, so that none of them is copied.
                state = .payloadLF
                return readTrailer(&section, bytes, used)
            }
        }
    }

    /// Reads on in a section that begins at `used`.
    private mutating func readTrailer(
        _ section: inout FieldSection, _ bytes: UnsafeRawBufferPointer, _ used: Int
    ) -> Piece {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
        do throws(MessageFlaw) {
            let end = try section.read(rest)
            guard end ?? rest.count <= Limits.trailerBytes else { return .flaw(.badTrailer) }
            guard let end else {
                state = .trailer(section)
                return .needMore(used: used)
            }
            trailers = section.fields
            trailerStart = used
            return .end(used: used + end)
        } catch {
            return .flaw(.badTrailer)
        }
    }
}
