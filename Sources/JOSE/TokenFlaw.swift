/// Why bytes are no token that could be verified here; `description` is a sentence without its full stop.
///
/// Nothing of the token is repeated but a short, escaped `alg`.
package enum TokenFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    /// A part of the compact form (RFC 7515 §7.1).
    package enum Part: String, Sendable {
        case header, payload, signature
    }

    // The compact form.
    case tooLong
    case partCount(Int)
    /// Five parts are an encrypted token (JWE, RFC 7516 §7.1), such as Cognito's refresh token.
    case encrypted
    case notBase64URL(Part)
    case notJSON(Part, JSONFlaw)
    /// In bytes; no RSA key that we accept makes signatures of this length.
    case signatureLength(Int)
    // The header.
    /// The `alg`, escaped and cut; nil where it is absent or no string.
    case unsupportedAlgorithm(String?)
    case missingKeyID
    case unusableKeyID
    case criticalExtension
    case unencodedPayload
    case compressed
    case nested
    case unsupportedType

    /// Whether the token asks for an algorithm that is not ours.
    package var isAlgorithm: Bool {
        if case .unsupportedAlgorithm = self { true } else { false }
    }

    /// A sentence without its full stop.
    package var description: String {
        switch self {
        case .tooLong: "the token is longer than \(Limits.tokenBytes) bytes"
        case .partCount(let count): "the token consists of \(count) parts and should have 3"
        case .encrypted: "the token is encrypted (a JWE of 5 parts, such as a refresh token)"
        case .notBase64URL(let part): "the token's \(part.rawValue) is not base64url without padding"
        case .notJSON(let part, let flaw): "the token's \(part.rawValue) is not a valid JSON object: \(flaw)"
        case .signatureLength(let count):
            "the token's signature has \(count) bytes, which no accepted RSA key makes"
        case .unsupportedAlgorithm(let name?):
            "the signature algorithm \"\(name)\" is not allowed; allowed: RS256"
        case .unsupportedAlgorithm(nil): "the token's header names no signature algorithm; allowed: RS256"
        case .missingKeyID: "the token's header has no kid"
        case .unusableKeyID: "the token's kid is not a string of 1 to \(Limits.keyIDBytes) bytes"
        case .criticalExtension: "the token's header lists critical extensions (crit), and none is supported"
        case .unencodedPayload: "the token's header has b64, which is not supported"
        case .compressed: "the token's header has zip, and compressed tokens are not supported"
        case .nested: "the token's header has cty, and nested tokens are not supported"
        case .unsupportedType: "the token's typ is neither JWT nor at+jwt"
        }
    }
}
