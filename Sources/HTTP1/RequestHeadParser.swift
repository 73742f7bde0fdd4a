package import HTTPMessage

/// What a parser made of the bytes so far.
package enum HeadProgress: Sendable, Equatable {
    case needMore
    /// The parser's `head` is whole.
    case complete
    case flaw(MessageFlaw)
}

/// Reads request heads strictly (RFC 9112 §2.2, §3, §5), one after another, keeping its place between calls.
package struct RequestHeadParser: Sendable {
    /// The head read last; valid once `parse` said `.complete`, until `reset`.
    package private(set) var head = RequestHead()

    private let limits: HeadLimits
    private var section: FieldSection
    private var state = State.line
    /// Where the start line begins: 2 after one tolerated empty line.
    private var lineStart = 0
    private var scanned = 0

    private enum State {
        case line, fields
        case failed(MessageFlaw)
    }

    /// A parser that holds every head to `limits`.
    package init(limits: HeadLimits) {
        self.limits = limits
        self.section = FieldSection(limits: limits)
    }

    /// Ready for the next head.
    package mutating func reset() {
        // Lets the section keep its array: two owners would make it copy.
        head.fields = []
        state = .line
        lineStart = 0
        scanned = 0
    }

    /// Reads on; `bytes` is everything since the head's first byte, each time.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer) -> HeadProgress {
        do throws(MessageFlaw) {
            switch state {
            case .failed(let flaw): return .flaw(flaw)
            case .line:
                guard try readLine(bytes) else {
                    if bytes.count > limits.headBytes { throw .headTooLarge }
                    return .needMore
                }
                state = .fields
            case .fields: break
            }
            guard let end = try section.read(bytes), end <= limits.headBytes else {
                if bytes.count > limits.headBytes { throw .headTooLarge }
                return .needMore
            }
            head.headLength = end
            try finish(bytes)
            return .complete
        } catch {
            state = .failed(error)
            return .flaw(error)
        }
    }

    // MARK: The start line

    private mutating func readLine(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        if lineStart == 0, bytes.count > 0, bytes[0] == 13 {
            // One empty line before a request is let pass (RFC 9112 §2.2).
            guard bytes.count > 1 else { return false }
            guard bytes[1] == 10 else { throw .bareCR }
            lineStart = 2
            scanned = 2
        }
        var index = scanned
        while index < bytes.count, bytes[index] > 0x1F { index &+= 1 }
        scanned = index
        guard index < bytes.count else {
            if index - lineStart > limits.targetBytes + Limits.methodBytes + Limits.startLineRestBytes {
                throw .targetTooLong
            }
            return false
        }
        guard bytes[index] == 13 else { throw bytes[index] == 10 ? .bareLF : .badStartLine }
        guard index + 1 < bytes.count else { return false }
        guard bytes[index + 1] == 10 else { throw .bareCR }
        try readParts(bytes, lineStart..<index)
        section.reset(at: index + 2)
        return true
    }

    private mutating func readParts(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(MessageFlaw) {
        var index = line.lowerBound
        while index < line.upperBound, ByteScanner.isToken(bytes[index]) { index += 1 }
        guard index > line.lowerBound, index - line.lowerBound <= Limits.methodBytes,
            index < line.upperBound,
            bytes[index] == 0x20
        else { throw .badMethod }
        head.methodName = HeadSlice(line.lowerBound, index)
        let targetStart = index + 1
        let targetEnd = ByteScanner.endOfVisible(bytes, from: targetStart, to: line.upperBound)
        guard targetEnd - targetStart <= limits.targetBytes else { throw .targetTooLong }
        guard targetEnd > targetStart else { throw .badTarget }
        guard targetEnd < line.upperBound, bytes[targetEnd] == 0x20 else {
            throw targetEnd == line.upperBound ? .badStartLine : .badTarget
        }
        try readVersion(bytes, (targetEnd + 1)..<line.upperBound)
        head.method = try Method(name: UnsafeRawBufferPointer(rebasing: bytes[head.methodName.range]))
        try readTarget(bytes, targetStart..<targetEnd)
    }

    private mutating func readVersion(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>)
        throws(MessageFlaw)
    {
        guard range.count == 8,
            ByteScanner.isExactly(
                UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound..<(range.lowerBound + 5)]), "HTTP/"),
            bytes[range.lowerBound + 5] &- 0x30 < 10, bytes[range.lowerBound + 6] == 0x2E,
            bytes[range.lowerBound + 7] &- 0x30 < 10
        else { throw .badVersion }
        guard bytes[range.lowerBound + 5] == 0x31 else { throw .unsupportedVersion }
        switch bytes[range.lowerBound + 7] {
        case 0x31: head.isHTTP10 = false
        case 0x30: head.isHTTP10 = true
        default: throw .unsupportedVersion
        }
    }

    private mutating func readTarget(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(MessageFlaw)
    {
        head.authority = HeadSlice()
        head.host = HeadSlice()
        var pathStart = range.lowerBound
        switch bytes[range.lowerBound] {
        case 0x2F: head.targetForm = .origin
        case 0x2A:
            guard range.count == 1, head.method == .options else { throw .badTarget }
            head.targetForm = .asterisk
            pathStart = range.upperBound
        default:
            head.targetForm = .absolute
            pathStart = try readAbsolute(bytes, range)
        }
        var pathEnd = pathStart
        while pathEnd < range.upperBound, bytes[pathEnd] != 0x3F {
            if bytes[pathEnd] == 0x23 { throw .badTarget }
            pathEnd += 1
        }
        guard !bytes[pathEnd..<range.upperBound].contains(0x23) else { throw .badTarget }
        head.path = HeadSlice(pathStart, pathEnd)
        head.query = HeadSlice(pathEnd, range.upperBound)
    }

    /// `http://authority` or `https://authority` before an optional path (RFC 9112 §3.2.2); where the path begins.
    private mutating func readAbsolute(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) throws(MessageFlaw) -> Int {
        let start: Int
        let target = UnsafeRawBufferPointer(rebasing: bytes[range])
        if target.count > 7, ByteScanner.begins(target, with: "http://") {
            start = range.lowerBound + 7
        } else if target.count > 8, ByteScanner.begins(target, with: "https://") {
            start = range.lowerBound + 8
        } else {
            throw .badTarget
        }
        var end = start
        while end < range.upperBound, bytes[end] != 0x2F, bytes[end] != 0x3F, bytes[end] != 0x23 { end += 1 }
        guard Authority(bytes, start..<end) != nil else { throw .badTarget }
        head.authority = HeadSlice(start, end)
        return end
    }

    // MARK: The fields

    private mutating func finish(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        let summary = try FieldSummary(ofRequest: section.fields, bytes)
        head.take(section.fields, summary)
        try readHost(summary.host, bytes)
        if summary.encoding != .none {
            guard !head.isHTTP10 else { throw .encodingInHTTP10 }
            head.framing = .chunked
        } else if let length = summary.contentLength {
            head.framing = .length(length)
        } else {
            head.framing = .none
        }
        head.isPersistent = !summary.saysClose && (summary.saysKeepAlive || !head.isHTTP10)
        head.expectsContinue = summary.expectsContinue && !head.isHTTP10 && head.framing != .none
        head.upgrade = summary.hasUpgrade ? WebSocketHandshake.request(head, bytes) : .none
    }

    private mutating func readHost(_ field: HeadSlice?, _ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        guard let field else {
            guard head.isHTTP10 else { throw .missingHost }
            if let authority = Authority(bytes, head.authority.range) { head.host = authority.host }
            return
        }
        guard let authority = Authority(bytes, field.range) else { throw .badHost }
        if head.targetForm == .absolute {
            // The letter before `://`.
            let isSecure = ASCII.lowered(bytes[Int(head.authority.start) - 4]) == UInt8(ascii: "s")
            guard let target = Authority(bytes, head.authority.range),
                target.names(authority, bytes, defaultPort: isSecure ? 443 : 80)
            else { throw .hostMismatch }
        }
        head.authority = field
        head.host = authority.host
    }
}
