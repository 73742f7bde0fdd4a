package import JOSE

/// The keys by which the gateway signs assertions, and what it calls itself in them. Replaced whole as the keys change.
///
/// A class, because the snapshots of all loops refer to the same one.
package final class AssertionKeys: Sendable {
    /// The key that signs; nil where none can, and then nothing is signed.
    let signing: ES256Key?
    /// Every key by which an assertion that is under way may have been signed, or will be.
    let published: [ES256Key]
    /// The set of the published keys as JSON (RFC 7517 §5), for whoever verifies.
    package let keySet: [UInt8]
    /// `iss` as a JSON string.
    let issuer: [UInt8]
    /// The header of a JWT by the key that signs, encoded, and the full stop behind it (RFC 7515 §7.1).
    let header: [UInt8]

    /// The keys `published`, of which `signing` signs in the name of `issuer`.
    package init(issuer: String, signing: ES256Key?, published: [ES256Key]) {
        self.signing = signing
        self.published = published
        self.issuer = JSONText.string(issuer.utf8)
        self.keySet = Array("{\"keys\":[\(published.map(\.publicJWK).joined(separator: ","))]}".utf8)
        let header = #"{"alg":"ES256","kid":"\#(signing?.keyID ?? "")","typ":"JWT"}"#
        self.header = Base64URL.encode(header.utf8) + [UInt8(ascii: ".")]
    }

    /// Whether whoever verifies finds this key.
    func publishes(_ key: ES256Key) -> Bool {
        signing === key || published.contains { $0 === key }
    }
}
