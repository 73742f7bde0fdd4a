/// Where the keys are shown that assertions are verified by, and how long whoever asks may keep them.
package enum KeySetCaching {
    /// The path, below the one that is kept for such things (RFC 8615).
    package static let path = "/.well-known/poolgate/jwks.json"
    /// `Cache-Control`: for less than a new key waits before it signs (`signing-key-delay`, unless set lower).
    package static let value = "public, max-age=300"
}
