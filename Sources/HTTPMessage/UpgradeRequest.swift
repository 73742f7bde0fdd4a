/// What a request's `Upgrade` asks for (RFC 9110 §7.8, RFC 6455 §4.2.1).
package enum UpgradeRequest: Sendable, Hashable {
    /// Nothing, or a protocol other than WebSocket, which is not offered.
    case none
    /// A WebSocket handshake as RFC 6455 writes it.
    case webSocket
    /// A WebSocket handshake of another version than 13; the client is told which one is spoken (RFC 6455 §4.4).
    case otherWebSocketVersion
    /// A WebSocket handshake that breaks RFC 6455 §4.2.1.
    case badWebSocket
}
