/// What becomes of a tenant's WebSockets (`websockets`, sql/README.md).
package enum WebSocketPolicy: Sendable, Hashable {
    /// They are closed with status 1008 (RFC 6455 §7.4.1) so many seconds after the token's `exp`.
    case expire(graceSeconds: Int64)
    /// The token's expiry does not close them.
    case outlive
    /// None is carried: `Upgrade` is removed and the request served as plain HTTP, and those that are open are closed.
    case off
}
