/// Reads a chunked body while it streams (RFC 9112 §7.1): says where payload lies, drops extensions.
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

    private var state = State.size
    private var remaining: UInt64 = 0
    private let limits: HeadLimits

    private enum State {
        case size, payload, payloadEnd, trailer
    }

    /// A body whose trailer is held to `limits`.
    package init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Looks at the next bytes, which begin where the last piece ended.
    package mutating func next(_ bytes: UnsafeRawBufferPointer) -> Piece {
        var used = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            switch state {
            case .payload:
                guard rest.count > 0 else { return .needMore(used: used) }
                let count = Int(min(remaining, UInt64(rest.count)))
                remaining -= UInt64(count)
                if remaining == 0 { state = .payloadEnd }
                return .payload(skipped: used, count: count)
            case .payloadEnd:
                guard rest.count >= 2 else {
                    return rest.count == 1 && rest[0] != 13 ? .flaw(.badChunk) : .needMore(used: used)
                }
                guard rest[0] == 13, rest[1] == 10 else { return .flaw(.badChunk) }
                used += 2
                state = .size
            case .size:
                switch ChunkedBody.size(rest) {
                case .needMore: return .needMore(used: used)
                case .flaw: return .flaw(.badChunk)
                case .line(let length, let size):
                    used += length
                    remaining = size
                    state = size == 0 ? .trailer : .payload
                }
            case .trailer: return readTrailer(rest, used)
            }
        }
    }

    private mutating func readTrailer(_ rest: UnsafeRawBufferPointer, _ used: Int) -> Piece {
        var section = FieldSection(limits: limits)
        section.reset(at: 0)
        do throws(MessageFlaw) {
            guard let end = try section.read(rest) else {
                return rest.count > HeadLimits.trailerBytes ? .flaw(.badTrailer) : .needMore(used: used)
            }
            guard end <= HeadLimits.trailerBytes else { return .flaw(.badTrailer) }
            trailers = section.fields
            trailerStart = used
            return .end(used: used + end)
        } catch {
            return .flaw(.badTrailer)
        }
    }

    private enum SizeLine {
        case needMore, flaw
        case line(length: Int, size: UInt64)
    }

    /// `chunk-size [ chunk-ext ] CRLF`: hexadecimal digits, an extension's bytes only looked at for their end.
    private static func size(_ bytes: UnsafeRawBufferPointer) -> SizeLine {
        var index = 0
        var size: UInt64 = 0
        while index < bytes.count, let digit = hexDigit(bytes[index]) {
            guard index < 15 else { return .flaw }
            size = size << 4 | UInt64(digit)
            index += 1
        }
        guard index < bytes.count else { return .needMore }
        guard index > 0 else { return .flaw }
        guard bytes[index] == 13 || bytes[index] == 0x3B || bytes[index] == 0x20 || bytes[index] == 9 else {
            return .flaw
        }
        if bytes[index] != 13 {
            var first = index
            while first < bytes.count, bytes[first] == 0x20 || bytes[first] == 9 { first += 1 }
            if first < bytes.count, bytes[first] != 0x3B { return .flaw }
        }
        let end = ByteScanner.endOfText(bytes, from: index, to: min(bytes.count, HeadLimits.chunkLineBytes))
        guard end < HeadLimits.chunkLineBytes else { return .flaw }
        guard end < bytes.count else { return .needMore }
        guard bytes[end] == 13 else { return .flaw }
        guard end + 1 < bytes.count else { return .needMore }
        guard bytes[end + 1] == 10 else { return .flaw }
        return .line(length: end + 2, size: size)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let lowered = byte | 0x20
        return lowered &- 0x61 < 6 ? lowered &- 0x57 : nil
    }
}
