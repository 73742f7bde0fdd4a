/// What a tenant allows of WebSocket.
package enum WebSocketPolicy: Sendable, Hashable {
    /// Closed with 1008 so many seconds after the token's `exp`.
    case expire(graceSeconds: Int64)
    /// Not closed by the token's expiry.
    case outlive
    /// `Upgrade` is dropped and the request served plain; those that are open are closed.
    case off
}
