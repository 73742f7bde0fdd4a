/// The fields whose meaning framing, forwarding or the judgement of a request depends on; every other one is `other`.
@usableFromInline package enum KnownField: UInt8, Sendable {
    case other, host, contentLength, transferEncoding, connection, authorization, expect, upgrade, te, trailer
    case keepAlive, proxyConnection, proxyAuthenticate, proxyAuthorization, via
    case cookie, origin, fetchSite, requestedMethod, referer
    case wwwAuthenticate, persistentAuth
    case requestID, traceparent, tracestate
    case forwardedFor, forwardedProto, forwardedPort, webSocketKey, webSocketVersion, webSocketAccept

    /// The field of this name, letter case ignored (RFC 9110 §5.1). Names are told apart by their length first, so that
    /// most of them are compared with none or one.
    @usableFromInline package init(name: UnsafeRawBufferPointer) {
        self = KnownField.named(name)
    }

    /// Whether the value belongs to one request, or proves who its sender is: such a field enters no table of header
    /// compression, where it would push out what does come again, or be guessed at (RFC 7541 §7.1.3).
    package var isUnindexed: Bool {
        switch self {
        case .requestID, .traceparent, .tracestate, .authorization, .proxyAuthorization, .cookie:
            true
        case .other, .host, .contentLength, .transferEncoding, .connection, .expect, .upgrade, .te, .trailer,
            .keepAlive, .proxyConnection, .proxyAuthenticate, .via, .origin, .fetchSite, .requestedMethod,
            .referer, .wwwAuthenticate, .persistentAuth, .forwardedFor, .forwardedProto, .forwardedPort,
            .webSocketKey, .webSocketVersion, .webSocketAccept:
            false
        }
    }

    private static func named(_ name: UnsafeRawBufferPointer) -> KnownField {
        switch name.count {
        case 2: return ByteScanner.equals(name, "te") ? .te : .other
        case 3: return ByteScanner.equals(name, "via") ? .via : .other
        case 4: return ByteScanner.equals(name, "host") ? .host : .other
        case 6:
            if ByteScanner.equals(name, "cookie") { return .cookie }
            if ByteScanner.equals(name, "origin") { return .origin }
            return ByteScanner.equals(name, "expect") ? .expect : .other
        case 7:
            if ByteScanner.equals(name, "upgrade") { return .upgrade }
            if ByteScanner.equals(name, "referer") { return .referer }
            return ByteScanner.equals(name, "trailer") ? .trailer : .other
        case 10:
            if ByteScanner.equals(name, "connection") { return .connection }
            if ByteScanner.equals(name, "keep-alive") { return .keepAlive }
            return ByteScanner.equals(name, "tracestate") ? .tracestate : .other
        case 11: return ByteScanner.equals(name, "traceparent") ? .traceparent : .other
        case 12:
            // Most names of this length are `Content-Type`.
            guard ASCII.lowered(name[0]) == UInt8(ascii: "x") else { return .other }
            return ByteScanner.equals(name, "x-request-id") ? .requestID : .other
        case 13: return ByteScanner.equals(name, "authorization") ? .authorization : .other
        case 14:
            if ByteScanner.equals(name, "content-length") { return .contentLength }
            return ByteScanner.equals(name, "sec-fetch-site") ? .fetchSite : .other
        case 15:
            if ByteScanner.equals(name, "x-forwarded-for") { return .forwardedFor }
            return ByteScanner.equals(name, "persistent-auth") ? .persistentAuth : .other
        case 16:
            if ByteScanner.equals(name, "x-forwarded-port") { return .forwardedPort }
            if ByteScanner.equals(name, "www-authenticate") { return .wwwAuthenticate }
            return ByteScanner.equals(name, "proxy-connection") ? .proxyConnection : .other
        case 17:
            if ByteScanner.equals(name, "transfer-encoding") { return .transferEncoding }
            if ByteScanner.equals(name, "x-forwarded-proto") { return .forwardedProto }
            return ByteScanner.equals(name, "sec-websocket-key") ? .webSocketKey : .other
        case 18: return ByteScanner.equals(name, "proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: return ByteScanner.equals(name, "proxy-authorization") ? .proxyAuthorization : .other
        case 20: return ByteScanner.equals(name, "sec-websocket-accept") ? .webSocketAccept : .other
        case 21: return ByteScanner.equals(name, "sec-websocket-version") ? .webSocketVersion : .other
        case 29:
            return ByteScanner.equals(name, "access-control-request-method") ? .requestedMethod : .other
        default: return .other
        }
    }
}
