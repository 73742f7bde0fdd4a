/// A run of bytes of a head, as offsets from the head's first byte.
package struct HeadSlice: Sendable, Hashable {
    package var start: Int32
    package var end: Int32

    /// The empty slice.
    package init() {
        start = 0
        end = 0
    }

    init(_ start: Int, _ end: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.end = Int32(truncatingIfNeeded: end)
    }

    /// The same as a range.
    package var range: Range<Int> { Int(start)..<Int(end) }
    package var isEmpty: Bool { start == end }
    package var count: Int { Int(end - start) }
}

/// One field line of a head (RFC 9112 §5).
package struct HeadField: Sendable {
    /// The name as it was written.
    package let name: HeadSlice
    /// The value without white space around it. Of a line that is not strict it may hold folds: line ends with white
    /// space behind them, each of which stands for one space.
    package internal(set) var value: HeadSlice
    /// From the name's first byte to after the line's end.
    package internal(set) var line: HeadSlice
    /// `CollapsedName.hash` of the name.
    package let collapsedHash: UInt32
    package let known: KnownField
    /// Whether the line may be written as it was read. Only answers have others: lines with white space before the
    /// colon, folded ones, and such as end in LF alone.
    package internal(set) var isStrict: Bool
}

extension HeadField {
    /// Writes the value with one space for each fold and the white space around it (RFC 9112 §5.2); gives the bytes
    /// written, at most those of the value, for which `output` has room.
    package func unfold(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        var index = Int(value.start)
        let end = Int(value.end)
        while index < end {
            let byte = bytes[index]
            if byte == 10 || byte == 13 {
                while count > 0, ByteScanner.isSpace(output[count &- 1]) { count &-= 1 }
                while index < end, ByteScanner.isSpace(bytes[index]) { index &+= 1 }
                output[count] = 0x20
            } else {
                output[count] = byte
                index &+= 1
            }
            count &+= 1
        }
        return count
    }
}

/// The fields whose meaning framing and forwarding depend on (RFC 9110, RFC 9112).
package enum KnownField: UInt8, Sendable {
    case other, host, contentLength, transferEncoding, connection, authorization, expect, upgrade, te, trailer
    case keepAlive, proxyConnection, proxyAuthenticate, proxyAuthorization, via
    case cookie, origin, fetchSite, requestedMethod, referer
    case wwwAuthenticate, persistentAuth
    case forwardedFor, forwardedProto, forwardedPort, webSocketKey, webSocketVersion, webSocketAccept

    /// Letter case is ignored; told by length first.
    static func named(_ name: UnsafeRawBufferPointer) -> KnownField {
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
            return ByteScanner.equals(name, "keep-alive") ? .keepAlive : .other
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

/// Field names as CGI and its kin fold them: lower case, every byte that is no letter or digit read as `_`.
///
/// The hash is FNV-1a over the first folded bytes, so that the scan of a name yields it at no further pass.
package enum CollapsedName {
    static let seed: UInt32 = 0x811C_9DC5
    static let prime: UInt32 = 0x0100_0193
    /// Bytes of a name that the hash is made of: no name that is looked for has more.
    static let hashedBytes = 64

    /// The folded form of one byte.
    package static func fold(_ byte: UInt8) -> UInt8 {
        let lowered = byte | 0x20
        if lowered &- 0x61 < 26 { return lowered }
        return byte &- 0x30 < 10 ? byte : 0x5F
    }

    /// The folded form of a name's first `count` bytes, all of them where there are fewer.
    package static func folded(_ name: UnsafeRawBufferPointer, atMost count: Int) -> [UInt8] {
        let count = min(count, name.count)
        return [UInt8](unsafeUninitializedCapacity: count) { folded, initialized in
            for index in 0..<count { folded.initializeElement(at: index, to: fold(name[index])) }
            initialized = count
        }
    }

    /// The hash that `HeadField.collapsedHash` holds for this name.
    package static func hash(_ name: some Sequence<UInt8>) -> UInt32 {
        var hash = seed
        for byte in name.prefix(hashedBytes) { hash = (hash ^ UInt32(fold(byte))) &* prime }
        return hash
    }
}
