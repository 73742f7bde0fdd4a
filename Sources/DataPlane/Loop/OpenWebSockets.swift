import Gatekeeper

/// The WebSockets that one loop carries, each judged anew as rows and time move on.
///
/// Bounded by the loop's connections.
struct OpenWebSockets {
    private var exchanges: [ObjectIdentifier: Exchange] = [:]

    /// An exchange carries WebSocket from now on.
    mutating func began(_ exchange: Exchange) {
        exchanges[ObjectIdentifier(exchange)] = exchange
    }

    /// It does no longer.
    mutating func ended(_ exchange: Exchange) {
        exchanges[ObjectIdentifier(exchange)] = nil
    }

    /// All of them, for a review: one may end while they are gone through.
    var all: [Exchange] { Array(exchanges.values) }
}
