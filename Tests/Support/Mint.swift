package import JOSE

/// Makes tokens that a pool could have signed, and ones that no pool would sign.
package struct Mint: Sendable {
    package let key: SigningKey
    /// The `kid` of its tokens and of its entry in a key set.
    package let keyID: String

    /// Keys made once for the test process: making one takes a tenth of a second.
    private static let keys: [SigningKey] = (0..<3).compactMap { _ in try? SigningKey.generateRSA(bits: 2048)
    }

    /// The first, second or third key of the process under the name `keyID`; nil only where OpenSSL makes none.
    package init?(_ number: Int = 0, keyID: String = "key-1") {
        guard Mint.keys.indices.contains(number) else { return nil }
        self.key = Mint.keys[number]
        self.keyID = keyID
    }

    /// The header that Cognito writes.
    package var header: String { #"{"kid":"\#(keyID)","alg":"RS256"}"# }

    /// A genuine signature over any header and any payload, JSON or not.
    package func token(header: [UInt8], payload: [UInt8]) throws(SigningKey.Failure) -> [UInt8] {
        let input = Mint.signingInput(header, payload)
        return Mint.compact(input, try key.signRS256(input))
    }

    /// The same for texts; the header is Cognito's unless given.
    package func token(header: String? = nil, payload: String = "{}") throws(SigningKey.Failure) -> [UInt8] {
        try token(header: Array((header ?? self.header).utf8), payload: Array(payload.utf8))
    }

    /// What a signature covers: two parts and the dot between them (RFC 7515 §5.1).
    package static func signingInput(_ header: [UInt8], _ payload: [UInt8]) -> [UInt8] {
        Base64URL.encode(header) + [UInt8(ascii: ".")] + Base64URL.encode(payload)
    }

    /// A token of a signing input and any signature.
    package static func compact(_ signingInput: [UInt8], _ signature: [UInt8]) -> [UInt8] {
        signingInput + [UInt8(ascii: ".")] + Base64URL.encode(signature)
    }

    /// The public half as an entry of a key set.
    package var jwk: String { key.publicJWK(keyID: keyID) }

    /// A key set's text.
    package static func keySet(_ entries: [String]) -> [UInt8] {
        Array(#"{"keys":[\#(entries.joined(separator: ","))]}"#.utf8)
    }
}
