/// How a message's body is delimited (RFC 9112 §6.3).
package enum BodyFraming: Sendable, Hashable {
    case none
    /// Exactly so many bytes; 0 is a body too, of no bytes.
    case length(UInt64)
    case chunked
    /// An answer's body that lasts until the connection closes.
    case untilClose
}

/// What framing and persistence need to know of a head's fields, gathered in one pass.
struct FramingFields {
    var host: HeadSlice?
    var authorization: HeadSlice?
    var authorizationCount = 0
    var contentLength: UInt64?
    var encoding = Encoding.none
    var saysClose = false
    var saysKeepAlive = false
    var namesOthers = false
    var expectsContinue = false
    var keepAliveSeconds: Int?
    var hasUpgrade = false
    var hasVia = false
    var saysWay = false
    var saysOrigin = false
    /// Whether a challenge or a proof is of a scheme that authenticates the connection.
    var authenticatesConnection = false

    /// What `Transfer-Encoding` says; `other` and `identity` are met in answers alone.
    enum Encoding {
        case none, chunked, identity, other
    }

    /// Gathers a request's; throws the first violation.
    init(_ fields: [HeadField], _ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        for field in fields {
            switch field.known {
            case .other, .te, .trailer, .referer, .proxyConnection, .proxyAuthenticate, .proxyAuthorization,
                .wwwAuthenticate, .persistentAuth, .webSocketKey, .webSocketVersion, .webSocketAccept:
                break
            case .forwardedFor, .forwardedProto, .forwardedPort: saysWay = true
            case .cookie, .origin, .fetchSite, .requestedMethod: saysOrigin = true
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
                guard encoding == .none, FramingFields.encoding(field, bytes) == .chunked else {
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
            case .keepAlive: keepAliveSeconds = FramingFields.timeout(bytes, field.value.range)
            case .upgrade: hasUpgrade = true
            case .via: hasVia = true
            }
        }
        if encoding != .none, contentLength != nil { throw .lengthAndEncoding }
    }

    /// Gathers an answer's. Lengths that are equal count once (RFC 9110 §8.6); what a coding means for the body depends
    /// on the status, and fields that only requests have mean nothing.
    init(ofAnswer fields: [HeadField], _ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        for field in fields {
            switch field.known {
            case .contentLength:
                let length = try FramingFields.repeatedLength(bytes, field.value.range)
                guard contentLength == nil || contentLength == length else { throw .duplicateContentLength }
                contentLength = length
            case .transferEncoding:
                encoding = encoding == .none ? FramingFields.encoding(field, bytes) : .other
            case .connection: readConnection(bytes, field.value.range)
            case .keepAlive: keepAliveSeconds = FramingFields.timeout(bytes, field.value.range)
            case .wwwAuthenticate, .proxyAuthenticate:
                if ConnectionScheme.isNamed(bytes, field.value.range) { authenticatesConnection = true }
            case .persistentAuth: authenticatesConnection = true
            case .other, .host, .authorization, .expect, .upgrade, .te, .trailer, .proxyConnection,
                .proxyAuthorization, .via, .cookie, .origin, .fetchSite, .requestedMethod,
                .forwardedFor, .forwardedProto, .forwardedPort, .webSocketKey, .webSocketVersion,
                .webSocketAccept, .referer:
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
            default: namesOthers = true
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
            seconds = Int(min(number, 86_400))
        }
        return seconds
    }
}
