package import HTTPMessage

/// Reads an upstream's heads as a proxy must: leniently where it stays certain what they say and where the response ends
/// (RFC 9112 §2.2, §4, §5, §6.3); what is passed on is written strictly by whoever writes it.
package struct ResponseHeadParser: Sendable {
    /// The head read last; valid once `parse` said `.complete`, until `reset`.
    package private(set) var head = ResponseHead()

    private let limits: HeadLimits
    private var section: FieldSection
    private var isHeadRequest = false
    private var hasLine = false
    private var scanned = 0
    private var failure: MessageFlaw?

    /// A parser that holds every head to `limits`.
    package init(limits: HeadLimits) {
        self.limits = limits
        self.section = FieldSection(limits: limits, isLenient: true)
    }

    /// Ready for the next head; the response to HEAD has no body, whatever its fields say.
    package mutating func reset(isHeadRequest: Bool) {
        // Lets the section keep its array: two owners would make it copy.
        head.fields = []
        self.isHeadRequest = isHeadRequest
        hasLine = false
        scanned = 0
        failure = nil
    }

    /// Reads on; `bytes` is everything since the head's first byte, each time.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer) -> HeadProgress {
        if let failure { return .flaw(failure) }
        do throws(MessageFlaw) {
            if !hasLine {
                guard try readLine(bytes) else {
                    if bytes.count > limits.headBytes { throw .headTooLarge }
                    return .needMore
                }
                hasLine = true
            }
            guard let end = try section.read(bytes), end <= limits.headBytes else {
                if bytes.count > limits.headBytes { throw .headTooLarge }
                return .needMore
            }
            head.headLength = end
            try finish(bytes)
            return .complete
        } catch {
            failure = error
            return .flaw(error)
        }
    }

    private mutating func readLine(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        let end = ByteScanner.endOfText(bytes, from: scanned, to: bytes.count)
        scanned = end
        guard let next = try FieldSection.endOfLine(bytes, end, isLenient: true) else { return false }
        // `HTTP/1.1 200` at the least: the space before an empty reason is often left out, and harmless.
        guard end >= 12, ByteScanner.isExactly(UnsafeRawBufferPointer(rebasing: bytes[..<7]), "HTTP/1."),
            bytes[8] == 0x20
        else {
            throw .badStartLine
        }
        switch bytes[7] {
        case 0x31: head.isHTTP10 = false
        case 0x30: head.isHTTP10 = true
        default: throw .unsupportedVersion
        }
        guard let status = ByteScanner.decimal(bytes, 9..<12), (100...999).contains(status) else {
            throw .badStatus
        }
        guard end == 12 || bytes[12] == 0x20 else { throw .badStatus }
        head.status = Int(status)
        head.reason = end > 13 ? HeadSlice(13, end) : HeadSlice()
        section.reset(at: next)
        return true
    }

    private mutating func finish(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        let summary = try FieldSummary(ofResponse: section.fields, bytes)
        head.take(section.fields, summary)
        head.announcesForbiddenBody = false
        if isHeadRequest || head.status < 200 || head.status == 204 || head.status == 304 {
            // Whatever the fields say, it ends with its head (RFC 9112 §6.3, item 1).
            head.framing = .none
            head.announcesForbiddenBody = summary.encoding != .none || (summary.contentLength ?? 0) > 0
        } else {
            head.framing = try ResponseHeadParser.framing(summary, isHTTP10: head.isHTTP10)
        }
        let asks = head.isHTTP10 ? summary.saysKeepAlive && !summary.saysClose : !summary.saysClose
        head.isPersistent = asks && head.framing != .untilClose
    }

    /// How the body ends, where the response has one. A coding other than `chunked` would last until the connection closes
    /// (RFC 9112 §6.3, item 4), but nobody asked for one, and it could not be passed on; `identity` is none at all,
    /// and beside a length it is read both ways.
    private static func framing(_ summary: FieldSummary, isHTTP10: Bool) throws(MessageFlaw) -> BodyFraming {
        guard summary.encoding != .none else {
            return summary.contentLength.map { .length($0) } ?? .untilClose
        }
        guard !isHTTP10 else { throw .encodingInHTTP10 }
        guard summary.contentLength == nil else { throw .lengthAndEncoding }
        switch summary.encoding {
        case .chunked: return .chunked
        case .none, .identity: return .untilClose
        case .other: throw .badTransferEncoding
        }
    }
}
