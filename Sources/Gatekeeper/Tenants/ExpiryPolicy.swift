/// What becomes of a tenant's open WebSockets and gRPC calls when their token expires (`at_expiry`, sql/README.md).
package enum ExpiryPolicy: Sendable, Hashable {
    /// They are ended so many seconds after the token's `exp`: a WebSocket with status 1008 (RFC 6455 §7.4.1), a call with
    /// the status `UNAUTHENTICATED`.
    case close(graceSeconds: Int64)
    /// The token's expiry does not end them.
    case outlive
}
