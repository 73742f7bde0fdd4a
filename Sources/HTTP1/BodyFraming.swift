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
    var isChunked = false
    var hasEncoding = false
    var saysClose = false
    var saysKeepAlive = false
    var namesOthers = false
    var expectsContinue = false
    var keepAliveSeconds: Int?
    var hasUpgrade = false
    var hasVia = false
    var saysWay = false
    var saysOrigin = false

    /// Gathers them; throws the first violation.
    init(_ fields: [HeadField], _ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) {
        for field in fields {
            switch field.known {
            case .other, .te, .trailer, .proxyConnection, .proxyAuthenticate, .proxyAuthorization,
                .webSocketKey,
                .webSocketVersion, .webSocketAccept:
                break
            case .forwardedFor, .forwardedProto, .forwardedPort: saysWay = true
            case .cookie, .origin, .fetchSite, .requestedMethod: saysOrigin = true
            case .host:
                guard host == nil else { throw .duplicateHost }
                host = field.value
            case .authorization:
                if authorization == nil { authorization = field.value }
                authorizationCount += 1
            case .contentLength:
                guard contentLength == nil else { throw .duplicateContentLength }
                guard let length = ByteScanner.decimal(bytes, field.value.range) else {
                    throw .badContentLength
                }
                contentLength = length
            case .transferEncoding:
                guard !hasEncoding,
                    ByteScanner.equals(UnsafeRawBufferPointer(rebasing: bytes[field.value.range]), "chunked")
                else { throw .badTransferEncoding }
                hasEncoding = true
                isChunked = true
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
        if hasEncoding, contentLength != nil { throw .lengthAndEncoding }
    }

    private mutating func readConnection(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        var (close, keepAlive, others) = (saysClose, saysKeepAlive, namesOthers)
        ByteScanner.eachElement(bytes, range) { start, end in
            let option = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if ByteScanner.equals(option, "close") {
                close = true
            } else if ByteScanner.equals(option, "keep-alive") {
                keepAlive = true
            } else {
                others = true
            }
        }
        (saysClose, saysKeepAlive, namesOthers) = (close, keepAlive, others)
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
