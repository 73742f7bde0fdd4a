extension JSONWebKeySet {
    /// The set as JSON (RFC 7517 §5) that `init(parsing:)` reads to an equal set: each key with `kid`, `kty`, `n` and `e`.
    package var text: [UInt8] {
        var text = Array("{\"keys\":[".utf8)
        for (index, key) in keys.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += "{\"kty\":\"RSA\",\"kid\":\"".utf8
            for byte in key.keyID.bytes { JSONWebKeySet.append(byte, to: &text) }
            text += "\",\"n\":\"".utf8
            text += Base64URL.encode(key.modulus)
            text += "\",\"e\":\"".utf8
            text += Base64URL.encode(key.exponent)
            text += "\"}".utf8
        }
        text += "]}".utf8
        return text
    }

    /// Appends one byte of a string (RFC 8259 §7). A name that was read from JSON is UTF-8, so other bytes stand as they are.
    private static func append(_ byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            text += "\\u00".utf8
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: text.append(byte)
        }
    }
}
