import JOSE

/// One assertion as it was signed, kept to be sent with further requests.
///
/// A class, because the caller's identity and the loop's memory refer to the same one. It belongs to one loop.
package final class Assertion {
    /// The line that carries it, ended by CRLF; empty once it was forgotten.
    package private(set) var line: [UInt8]
    /// How long the line was when it was signed.
    package let lineBytes: Int
    /// For whom it is.
    package let audience: AssertionAudience
    /// By which key it was signed, and when.
    let key: ES256Key
    let signedAt: Instant

    /// Signs what is said of a caller, whose token ends at `end`; nil where the library fails.
    init?(
        _ caller: [UInt8], until end: Instant, for audience: AssertionAudience, of tenant: Tenant,
        by key: ES256Key, of keys: AssertionKeys, jti: String, at now: Instant
    ) {
        let issued = now.seconds(since: Instant(seconds: 0))
        let end = min(now.advanced(bySeconds: Limits.assertionLifeSeconds), end)
        let payload = AssertionClaims.payload(
            caller, issuer: keys.issuer, audience: audience.value(in: tenant), jti: jti,
            issued: issued, expires: end.seconds(since: Instant(seconds: 0)))
        let input = keys.header + Base64URL.encode(payload)
        guard let signature = key.sign(input) else { return nil }
        line =
            Array(Assertion.name.utf8) + Array(": ".utf8) + input + [UInt8(ascii: ".")]
            + Base64URL.encode(signature) + [0x0D, 0x0A]
        lineBytes = line.count
        self.audience = audience
        self.key = key
        signedAt = now
    }

    /// The field's name.
    package static let name = "X-Poolgate-Assertion"
    /// The same in small letters.
    package static let lowercasedName = "x-poolgate-assertion"

    /// The assertion itself, without the field's name and the line's end.
    package var token: ArraySlice<UInt8> { line.dropFirst(Assertion.name.utf8.count + 2).dropLast(2) }

    /// About how many bytes of memory it takes.
    var cost: Int { 168 + lineBytes }

    /// Whether it may go with a request at `now`, being no older than `seconds`. A clock that was set back makes it too
    /// young, which is as bad.
    func isUsable(at now: Instant, forSeconds seconds: Int64) -> Bool {
        !line.isEmpty && signedAt <= now && now < signedAt.advanced(bySeconds: seconds)
    }

    /// Frees its bytes. Whoever still refers to it finds it empty.
    package func forget() {
        line = []
    }
}
