/// What a message's fields say together, for framing, for persistence and for the judgement, gathered in one pass.
package struct FieldSummary {
    /// The value of `Host`; there is at most one.
    package private(set) var host: HeadSlice?
    /// The value of the first `Authorization`.
    package private(set) var authorization: HeadSlice?
    /// How many `Authorization` fields there are.
    package private(set) var authorizationCount = 0
    /// What `Content-Length` says.
    package private(set) var contentLength: UInt64?
    /// What `Transfer-Encoding` says.
    package private(set) var encoding = Encoding.none
    /// Whether `Connection` says `close`.
    package private(set) var saysClose = false
    /// Whether `Connection` says `keep-alive`.
    package private(set) var saysKeepAlive = false
    /// Whether `Connection` says anything else: the names of fields that go no further, or `upgrade`.
    package private(set) var connectionNamesOthers = false
    /// Whether the client waits for 100 before it sends the body.
    package private(set) var expectsContinue = false
    /// `timeout` of a `Keep-Alive` field, in seconds.
    package private(set) var keepAliveSeconds: Int?
    /// Whether there is an `Upgrade`.
    package private(set) var hasUpgrade = false
    /// Whether there is a `Via`.
    package private(set) var hasVia = false
    /// Whether a field tells of the way so far; see `RequestHead.saysWay`.
    package private(set) var saysWay = false
    /// Whether a field tells where a browser's request comes from; see `RequestHead.saysOrigin`.
    package private(set) var saysOrigin = false
    /// Whether a field names the request or its trace; see `RequestHead.saysTrace`.
    package private(set) var saysTrace = false
    /// Whether a credential or a challenge is of a scheme that authenticates the connection, not the request.
    package private(set) var authenticatesConnection = false

    /// What `Transfer-Encoding` says. `identity` and `other` are met in responses alone: a request that says so is
    /// flawed.
    package enum Encoding: Sendable {
        case none, chunked, identity, other
    }

    /// Gathers what the fields of a request say. Throws the first breach of RFC 9110 and RFC 9112 that they hold.
    package init(ofRequest fields: [HeadField], _ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        for field in fields {
            switch field.known {
            case .other, .te, .trailer, .referer, .proxyConnection, .proxyAuthenticate, .proxyAuthorization,
                .wwwAuthenticate, .persistentAuth, .webSocketKey, .webSocketVersion, .webSocketAccept:
                break
            case .forwardedFor, .forwardedProto, .forwardedPort: saysWay = true
            case .cookie, .origin, .fetchSite, .requestedMethod: saysOrigin = true
            case .requestID, .traceparent, .tracestate: saysTrace = true
            case .host:
                guard host == nil else { throw .duplicateHost }
                host = field.value
            case .authorization:
                if authorization == nil { authorization = field.value }
                if ConnectionScheme.begins(bytes, field.value.range) { authenticatesConnection = true }
                authorizationCount += 1
            case .contentLength:
                guard contentLength == nil else { throw .duplicateContentLength }
                guard let length = ByteScanner.decimal(bytes, field.value.range) else {
                    throw .badContentLength
                }
                contentLength = length
            case .transferEncoding:
                guard encoding == .none, FieldSummary.encoding(field, bytes) == .chunked else {
                    throw .badTransferEncoding
                }
                encoding = .chunked
            case .connection: readConnection(bytes, field.value.range)
            case .expect:
                guard !expectsContinue,
                    ByteScanner.equals(
                        UnsafeRawBufferPointer(rebasing: bytes[field.value.range]), "100-continue")
                else { throw .badExpectation }
                expectsContinue = true
            case .keepAlive: keepAliveSeconds = FieldSummary.timeout(bytes, field.value.range)
            case .upgrade: hasUpgrade = true
            case .via: hasVia = true
            }
        }
        if encoding != .none, contentLength != nil { throw .lengthAndEncoding }
    }

    /// Gathers what the fields of a response say. Lengths that are equal count once (RFC 9110 §8.6). What a coding means
    /// for the body depends on the status, so it is no flaw here, and fields that only requests have mean nothing.
    package init(ofResponse fields: [HeadField], _ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        for field in fields {
            switch field.known {
            case .contentLength:
                let length = try FieldSummary.repeatedLength(bytes, field.value.range)
                guard contentLength == nil || contentLength == length else { throw .duplicateContentLength }
                contentLength = length
            case .transferEncoding:
                encoding = encoding == .none ? FieldSummary.encoding(field, bytes) : .other
            case .connection: readConnection(bytes, field.value.range)
            case .keepAlive: keepAliveSeconds = FieldSummary.timeout(bytes, field.value.range)
            case .wwwAuthenticate, .proxyAuthenticate:
                if ConnectionScheme.isNamed(bytes, field.value.range) { authenticatesConnection = true }
            case .persistentAuth: authenticatesConnection = true
            case .other, .host, .authorization, .expect, .upgrade, .te, .trailer, .proxyConnection,
                .proxyAuthorization, .via, .cookie, .origin, .fetchSite, .requestedMethod,
                .forwardedFor, .forwardedProto, .forwardedPort, .webSocketKey, .webSocketVersion,
                .webSocketAccept, .referer, .requestID, .traceparent, .tracestate:
                break
            }
        }
    }

    private static func encoding(_ field: HeadField, _ bytes: UnsafeRawBufferPointer) -> Encoding {
        let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
        if ByteScanner.equals(value, "chunked") { return .chunked }
        return ByteScanner.equals(value, "identity") ? .identity : .other
    }

    /// One number, or a list of the same one: `5, 5`.
    private static func repeatedLength(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) throws(MessageFlaw) -> UInt64 {
        var length: UInt64?
        var start = range.lowerBound
        while start <= range.upperBound {
            var end = start
            while end < range.upperBound, bytes[end] != 0x2C { end &+= 1 }
            let (first, last) = ByteScanner.trimmed(bytes, start, end)
            guard let number = ByteScanner.decimal(bytes, first..<last) else { throw .badContentLength }
            guard length == nil || length == number else { throw .duplicateContentLength }
            length = number
            start = end &+ 1
        }
        guard let length else { throw .badContentLength }
        return length
    }

    private mutating func readConnection(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start
            while end < range.upperBound, bytes[end] != 0x2C { end &+= 1 }
            let (first, last) = ByteScanner.trimmed(bytes, start, end)
            start = end &+ 1
            let option = UnsafeRawBufferPointer(rebasing: bytes[first..<last])
            switch option.count {
            case 0: break
            case 5 where ByteScanner.equals(option, "close"): saysClose = true
            case 10 where ByteScanner.equals(option, "keep-alive"): saysKeepAlive = true
            default: connectionNamesOthers = true
            }
        }
    }

    /// `timeout=N` of a `Keep-Alive` field (RFC 2068 §19.7.1.1).
    private static func timeout(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
        var seconds: Int?
        ByteScanner.eachElement(bytes, range) { start, end in
            guard end - start > 8,
                ByteScanner.equals(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + 7)]), "timeout"),
                bytes[start + 7] == 0x3D, let number = ByteScanner.decimal(bytes, (start + 8)..<end)
            else { return }
            seconds = Int(min(number, Limits.keepAliveSeconds))
        }
        return seconds
    }
}
