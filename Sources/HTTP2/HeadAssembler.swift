import HTTPMessage

/// Makes a head of the fields of one header block, which come one at a time (RFC 9113 §8.2, §8.3).
///
/// libnghttp2 has looked at them before: at names that are not in small letters or belong to one connection, at
/// pseudo-fields that are missing, repeated, unknown or behind a field. What it lets pass is held here to the rules that
/// a head of HTTP/1 is held to, so that a request means the same by either wire. The first breach is kept, and what
/// follows is dropped.
struct HeadAssembler {
    private let limits: HeadLimits
    private var builder: HeadBuilder
    private var flaw: MessageFlaw?
    private var pseudo = PseudoFields()
    /// The values of `Cookie` fields, which may be split to compress better (RFC 9113 §8.2.3).
    private var cookies: [UInt8] = []

    init(limits: HeadLimits) {
        self.limits = limits
        builder = HeadBuilder(limits: limits)
    }

    /// Whether the block has the pseudo-field of a response.
    var isResponse: Bool { pseudo.status != nil }

    /// Ready for the next block.
    mutating func begin() {
        builder.reset()
        flaw = nil
        pseudo = PseudoFields()
        cookies.removeAll(keepingCapacity: true)
    }

    /// Takes the next field of the block; `isUnindexed` where it came as one that no table may hold (RFC 7541 §6.2.3).
    mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, isUnindexed: Bool = false)
    {
        guard flaw == nil else { return }
        do throws(MessageFlaw) {
            if name.first == ASCII.colon {
                try takePseudoField(name, value, isUnindexed: isUnindexed)
            } else if ByteScanner.isExactly(name, "cookie") {
                try takeCookie(value)
            } else {
                guard !name.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) else { throw .badFieldName }
                try builder.append(name: name, value: value, isUnindexed: isUnindexed)
            }
        } catch {
            flaw = error
        }
    }

    private mutating func takePseudoField(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isUnindexed: Bool
    ) throws(MessageFlaw) {
        if ByteScanner.isExactly(name, ":method") {
            guard !value.isEmpty, value.count <= Limits.methodBytes, value.allSatisfy(ByteScanner.isToken)
            else {
                throw .badMethod
            }
            pseudo.method = try builder.append(part: value)
        } else if ByteScanner.isExactly(name, ":path") {
            guard value.count <= limits.targetBytes else { throw .targetTooLong }
            guard ByteScanner.endOfVisible(value, from: 0, to: value.count) == value.count else {
                throw .badTarget
            }
            pseudo.target = try builder.append(part: value)
            pseudo.isTargetUnindexed = pseudo.isTargetUnindexed || isUnindexed
        } else if ByteScanner.isExactly(name, ":authority") {
            guard value.count <= limits.fieldBytes else { throw .fieldTooLarge }
            pseudo.authority = try builder.append(part: value)
            pseudo.isTargetUnindexed = pseudo.isTargetUnindexed || isUnindexed
        } else if ByteScanner.isExactly(name, ":scheme") {
            pseudo.scheme = ByteScanner.equals(value, "https") ? .https : .http
            guard pseudo.scheme == .https || ByteScanner.equals(value, "http") else { throw .badTarget }
        } else if ByteScanner.isExactly(name, ":status") {
            guard value.count == 3, let number = ByteScanner.decimal(value, 0..<3), number >= 100 else {
                throw .badStatus
            }
            pseudo.status = Int(number)
        } else {
            throw .badFieldName
        }
    }

    private mutating func takeCookie(_ value: UnsafeRawBufferPointer) throws(MessageFlaw) {
        guard cookies.count + value.count + 2 <= limits.fieldBytes else { throw .fieldTooLarge }
        if !cookies.isEmpty { cookies.append(contentsOf: [UInt8(ascii: ";"), ASCII.space]) }
        cookies.append(contentsOf: value)
    }

    // MARK: What the block comes to

    /// The head of a request; `isWhole` where no body follows. Throws the first breach of a rule.
    mutating func request(isWhole: Bool) throws(MessageFlaw) -> (head: RequestHead, bytes: [UInt8]) {
        try appendCookies()
        if let flaw { throw flaw }
        guard let method = pseudo.method else { throw .badMethod }
        let (bytes, fields, pseudo) = (builder.bytes, builder.fields, pseudo)
        var head = RequestHead()
        head.methodName = method
        head.mayHaveTrailers = !isWhole
        head.isTargetUnindexed = pseudo.isTargetUnindexed
        head.method = try bytes.withFlawedBytes { bytes throws(MessageFlaw) in
            try Method(name: UnsafeRawBufferPointer(rebasing: bytes[method.range]))
        }
        try bytes.withFlawedBytes { bytes throws(MessageFlaw) in
            try pseudo.readTarget(bytes, into: &head)
            let summary = try FieldSummary(ofRequest: fields, bytes)
            try HeadAssembler.refuseConnectionFields(fields, bytes)
            head.take(fields, summary)
            try pseudo.readAuthority(summary.host, bytes, into: &head)
            if let length = summary.contentLength {
                head.framing = .length(length)
            } else {
                head.framing = isWhole ? .none : .chunked
            }
            head.expectsContinue = summary.expectsContinue && !isWhole
        }
        head.headLength = bytes.count
        return (head, bytes)
    }

    /// The head of a response; `isWhole` where no body follows. Throws the first breach of a rule.
    mutating func response(isWhole: Bool) throws(MessageFlaw) -> (head: ResponseHead, bytes: [UInt8]) {
        try appendCookies()
        if let flaw { throw flaw }
        guard let status = pseudo.status else { throw .badStatus }
        let (bytes, fields) = (builder.bytes, builder.fields)
        var head = ResponseHead()
        head.status = status
        head.mayHaveTrailers = !isWhole
        try bytes.withFlawedBytes { bytes throws(MessageFlaw) in
            let summary = try FieldSummary(ofResponse: fields, bytes)
            try HeadAssembler.refuseConnectionFields(fields, bytes)
            head.take(fields, summary)
        }
        head.framing =
            if isWhole { .none } else if let length = head.contentLength { .length(length) } else { .chunked }
        head.headLength = bytes.count
        return (head, bytes)
    }

    /// The fields of a trailer section. Throws the first breach of a rule; a pseudo-field is one (RFC 9113 §8.1).
    mutating func trailers() throws(MessageFlaw) -> (fields: [HeadField], bytes: [UInt8]) {
        try appendCookies()
        if let flaw { throw flaw }
        guard pseudo.isEmpty else { throw .badTrailer }
        return (builder.fields, builder.bytes)
    }

    private mutating func appendCookies() throws(MessageFlaw) {
        guard flaw == nil, !cookies.isEmpty else { return }
        let value = cookies
        cookies.removeAll(keepingCapacity: true)
        try value.withFlawedBytes { value throws(MessageFlaw) in
            try Array("cookie".utf8).withFlawedBytes { name throws(MessageFlaw) in
                try builder.append(name: name, value: value)
            }
        }
    }

    /// Fields that belong to one connection of HTTP/1 make a message malformed, as does any `TE` but `trailers` (RFC 9113
    /// §8.2.2).
    private static func refuseConnectionFields(
        _ fields: [HeadField], _ bytes: UnsafeRawBufferPointer
    ) throws(MessageFlaw) {
        for field in fields {
            switch field.known {
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade: throw .badFieldName
            case .te:
                let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
                guard ByteScanner.equals(value, "trailers") else { throw .badFieldValue }
            case .other, .host, .contentLength, .authorization, .expect, .trailer, .proxyAuthenticate,
                .proxyAuthorization, .via, .cookie, .origin, .fetchSite, .requestedMethod, .referer,
                .wwwAuthenticate, .persistentAuth, .forwardedFor, .forwardedProto, .forwardedPort,
                .webSocketKey, .webSocketVersion, .webSocketAccept, .requestID, .traceparent, .tracestate:
                break
            }
        }
    }
}

extension [UInt8] {
    /// Calls `body` with the array's bytes, and throws what it throws.
    func withFlawedBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(MessageFlaw) -> Value
    ) throws(MessageFlaw) -> Value {
        let result: Result<Value, MessageFlaw> = withUnsafeBytes { bytes in
            do throws(MessageFlaw) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
