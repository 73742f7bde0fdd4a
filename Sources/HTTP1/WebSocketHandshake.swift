import COpenSSL
package import HTTPMessage

/// The two halves of a WebSocket handshake that a proxy can check.
package enum WebSocketHandshake {
    /// The version spoken (RFC 6455 §4.1).
    static let version: StaticString = "13"
    /// RFC 6455 §1.3.
    private static let suffix = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

    /// What a request's fields ask for; anything but WebSocket counts as nothing.
    static func request(_ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer) -> UpgradeRequest {
        let fields = head.fields
        guard !head.isHTTP10, names("upgrade", in: .connection, fields, bytes),
            names("websocket", in: .upgrade, fields, bytes)
        else { return .none }
        let versions = fields.filter { $0.known == .webSocketVersion }
        let keys = fields.filter { $0.known == .webSocketKey }
        let isBodyless = head.framing == .none || head.framing == .length(0)
        guard head.method == .get, isBodyless, versions.count == 1, keys.count == 1 else {
            return .badWebSocket
        }
        guard equals(versions[0], bytes, version) else { return .otherWebSocketVersion }
        return isKey(UnsafeRawBufferPointer(rebasing: bytes[keys[0].value.range]))
            ? .webSocket : .badWebSocket
    }

    /// The key of a request that `request` called `.webSocket`.
    package static func key(_ fields: [HeadField], _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard let field = fields.first(where: { $0.known == .webSocketKey }) else { return [] }
        return Array(bytes[field.value.range])
    }

    /// Whether a response with status 101, whose fields these are, agrees to the handshake with `key` (RFC 6455 §4.1, items 2 to 4).
    package static func isAgreed(
        _ fields: [HeadField], _ bytes: UnsafeRawBufferPointer, key: [UInt8]
    ) -> Bool {
        let accepts = fields.filter { $0.known == .webSocketAccept }
        guard accepts.count == 1, let expected = accept(key),
            names("upgrade", in: .connection, fields, bytes),
            fields.count(where: { $0.known == .upgrade }) == 1,
            names("websocket", in: .upgrade, fields, bytes)
        else { return false }
        return bytes[accepts[0].value.range].elementsEqual(expected)
    }

    /// `Sec-WebSocket-Accept` for a key: base64 of SHA-1 (RFC 6455 §4.2.2); nil where the library has no memory.
    static func accept(_ key: [UInt8]) -> [UInt8]? {
        let input = key + suffix
        var digest = [UInt8](repeating: 0, count: 20)
        guard EVP_Digest(input, input.count, &digest, nil, EVP_sha1(), nil) == 1 else { return nil }
        var text = [UInt8](repeating: 0, count: 29)
        EVP_EncodeBlock(&text, digest, 20)
        return text.dropLast()
    }

    /// Whether `value` is the base64 of 16 bytes: 22 characters, the last one with four bits unused, then `==`.
    private static func isKey(_ value: UnsafeRawBufferPointer) -> Bool {
        guard value.count == 24, value[22] == 0x3D, value[23] == 0x3D else { return false }
        return value[..<22].allSatisfy { digit($0) != nil } && (digit(value[21]) ?? 1) & 15 == 0
    }

    /// The value of a digit of base64 (RFC 4648 §4).
    private static func digit(_ byte: UInt8) -> UInt8? {
        if ASCII.isUpper(byte) { return byte - UInt8(ascii: "A") }
        if ASCII.isLower(byte) { return byte - UInt8(ascii: "a") + 26 }
        if ASCII.isDigit(byte) { return byte - UInt8(ascii: "0") + 52 }
        if byte == UInt8(ascii: "+") { return 62 }
        return byte == ASCII.slash ? 63 : nil
    }

    /// Whether a list field names `word`, letter case ignored.
    private static func names(
        _ word: StaticString, in known: KnownField, _ fields: [HeadField], _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        var isNamed = false
        for field in fields where field.known == known {
            ByteScanner.eachElement(bytes, field.value.range) { start, end in
                let element = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                if ByteScanner.equals(element, word) { isNamed = true }
            }
        }
        return isNamed
    }

    private static func equals(
        _ field: HeadField, _ bytes: UnsafeRawBufferPointer, _ word: StaticString
    ) -> Bool {
        ByteScanner.equals(UnsafeRawBufferPointer(rebasing: bytes[field.value.range]), word)
    }
}
