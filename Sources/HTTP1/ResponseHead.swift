/// An answer's head: offsets into the bytes it was read from, nothing copied.
package struct ResponseHead: Sendable {
    /// Bytes through the empty line.
    package var headLength = 0
    /// 100 to 599.
    package var status = 200
    package var reason = HeadSlice()
    package var isHTTP10 = false
    package var fields: [HeadField] = []
    package var framing = BodyFraming.none
    /// What `Content-Length` said, also where there is no body (HEAD, 304).
    package var contentLength: UInt64?
    /// Whether the fields announce a body that the answer may not have (interim answers, 204, 304, HEAD; RFC 9112 §6.3):
    /// an upstream that sends it nonetheless would have it read as its next answer.
    package var announcesForbiddenBody = false
    /// Whether the upstream leaves the connection open.
    package var isPersistent = true
    /// `timeout` of a `Keep-Alive` field, in seconds.
    package var keepAliveSeconds: Int?
    package var connectionNamesOthers = false

    init() {}
}

/// Reads an upstream's heads as strictly as a client's (RFC 9112 §4, §6.3).
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
        self.section = FieldSection(limits: limits)
    }

    /// Ready for the next head; the answer to HEAD has no body, whatever its fields say.
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
        guard end < bytes.count else { return false }
        guard bytes[end] == 13 else { throw bytes[end] == 10 ? .bareLF : .badStartLine }
        guard end + 1 < bytes.count else { return false }
        guard bytes[end + 1] == 10 else { throw .bareCR }
        // `HTTP/1.1 200` at the least: the space before an empty reason is often left out, and harmless.
        guard end >= 12, bytes[0..<7].elementsEqual("HTTP/1.".utf8), bytes[8] == 0x20 else {
            throw .badStartLine
        }
        switch bytes[7] {
        case 0x31: head.isHTTP10 = false
        case 0x30: head.isHTTP10 = true
        default: throw .unsupportedVersion
        }
        guard let status = ByteScanner.decimal(bytes, 9..<12), (100...599).contains(status) else {
            throw .badStatus
        }
        guard end == 12 || bytes[12] == 0x20 else { throw .badStatus }
        head.status = Int(status)
        head.reason = end > 13 ? HeadSlice(13, end) : HeadSlice()
        section.reset(at: end + 2)
        return true
    }

    private mutating func finish(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        let found = try FramingFields(section.fields, bytes)
        head.fields = section.fields
        head.contentLength = found.contentLength
        head.keepAliveSeconds = found.keepAliveSeconds
        head.connectionNamesOthers = found.namesOthers
        head.announcesForbiddenBody = false
        if found.hasEncoding, head.isHTTP10 { throw .encodingInHTTP10 }
        if isHeadRequest || head.status < 200 || head.status == 204 || head.status == 304 {
            head.framing = .none
            head.announcesForbiddenBody = found.hasEncoding || (found.contentLength ?? 0) > 0
        } else if found.hasEncoding {
            head.framing = .chunked
        } else if let length = found.contentLength {
            head.framing = .length(length)
        } else {
            head.framing = .untilClose
        }
        let asks = head.isHTTP10 ? found.saysKeepAlive && !found.saysClose : !found.saysClose
        head.isPersistent = asks && head.framing != .untilClose
    }
}
