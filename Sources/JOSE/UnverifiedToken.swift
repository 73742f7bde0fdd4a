/// Why a text is no token that this gateway would look at further.
package enum TokenFlaw: Error, Equatable, Sendable {
    // The sender's mistakes in form (RFC 7515 §5.2).
    case tooLong
    /// Not three parts separated by dots.
    case notThreeParts
    /// Five parts: an encrypted token, such as Cognito's refresh token (RFC 7516 §7.1).
    case encrypted
    case badBase64
    case badHeader(JSONFlaw)
    case badPayload(JSONFlaw)
    /// `kid` is absent, no string, empty or too long.
    case badKeyID
    /// `typ` names another kind of token.
    case wrongType
    /// `crit`, `b64`, `zip` or `cty` ask for something this gateway does not do (RFC 7515 §4.1.11).
    case unsupportedHeader
    // The choice of algorithm: RS256 and no other, whatever the token says (RFC 8725 §3.1).
    case unsupportedAlgorithm

    /// Whether the algorithm is what is wrong.
    package var isAlgorithm: Bool { self == .unsupportedAlgorithm }
}

/// A token read but not believed: a signed JWT in compact form (RFC 7519 §7.2, RFC 7515 §7.1).
///
/// Header members that would name keys (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.
package struct UnverifiedToken: Sendable {
    package let keyID: KeyID
    /// What the token says of itself; worth nothing before `verified(by:)`.
    package let claims: JSONObject
    private let digest: TokenDigest
    private let signature: [UInt8]

    /// Reads `text`; throws why it cannot be a token.
    package init(compact text: UnsafeRawBufferPointer) throws(TokenFlaw) {
        guard text.count <= Limits.tokenBytes else { throw .tooLong }
        let (first, second) = try UnverifiedToken.dots(text)
        let header = try UnverifiedToken.object(text[..<first]) { .badHeader($0) }
        keyID = try UnverifiedToken.keyID(of: header)
        claims = try UnverifiedToken.object(text[(first + 1)..<second]) { .badPayload($0) }
        guard let signature = Base64URL.decode(UnsafeRawBufferPointer(rebasing: text[(second + 1)...])),
            !signature.isEmpty
        else { throw .badBase64 }
        self.signature = signature
        guard let digest = TokenDigester().digest(of: UnsafeRawBufferPointer(rebasing: text[..<second]))
        else {
            throw .badBase64
        }
        self.digest = digest
    }

    /// The proof that `key` signed this token; nil where it did not.
    package func verified(by key: VerificationKey) -> VerifiedToken? {
        key.keyID == keyID && key.verifies(signature, digest: digest) ? VerifiedToken(claims: claims) : nil
    }

    private static func dots(_ text: UnsafeRawBufferPointer) throws(TokenFlaw) -> (Int, Int) {
        var places: [Int] = []
        for index in text.indices where text[index] == UInt8(ascii: ".") {
            places.append(index)
            if places.count > 4 { throw .notThreeParts }
        }
        if places.count == 4 { throw .encrypted }
        guard places.count == 2 else { throw .notThreeParts }
        return (places[0], places[1])
    }

    private static func object(
        _ part: Slice<UnsafeRawBufferPointer>, _ flaw: (JSONFlaw) -> TokenFlaw
    ) throws(TokenFlaw) -> JSONObject {
        guard let bytes = Base64URL.decode(UnsafeRawBufferPointer(rebasing: part)) else { throw .badBase64 }
        do {
            return try JSONObject(parsing: bytes)
        } catch {
            throw flaw(error)
        }
    }

    private static func keyID(of header: JSONObject) throws(TokenFlaw) -> KeyID {
        guard header["alg"]?.string == Array("RS256".utf8) else { throw .unsupportedAlgorithm }
        for name in ["crit", "b64", "zip", "cty"] where header[name] != nil { throw .unsupportedHeader }
        if let type = header["typ"] {
            let word = type.string.map { $0.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } }
            let known = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"]
            guard let word, known.contains(where: { word == Array($0.utf8) }) else { throw .wrongType }
        }
        guard let bytes = header["kid"]?.string, let keyID = KeyID(bytes) else { throw .badKeyID }
        return keyID
    }
}

/// A token whose signature was verified: only `UnverifiedToken.verified(by:)` makes one.
package struct VerifiedToken: Sendable {
    /// What the pool that signed it says.
    package let claims: JSONObject

    init(claims: JSONObject) {
        self.claims = claims
    }
}
