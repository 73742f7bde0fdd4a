import Gatekeeper

/// A WebSocket under way, as the loop that it lives on sees it.
protocol OpenWebSocket: AnyObject {
    /// Ends it where time or the rows do not allow it any longer.
    func review(at now: Instant)
}

/// The WebSockets that one loop carries, each judged anew as rows and time move on.
///
/// Bounded by the loop's connections.
struct OpenWebSockets {
    private var exchanges: [ObjectIdentifier: any OpenWebSocket] = [:]

    /// An exchange carries WebSocket from now on.
    mutating func began(_ exchange: any OpenWebSocket) {
        exchanges[ObjectIdentifier(exchange)] = exchange
    }

    /// It does no longer.
    mutating func ended(_ exchange: any OpenWebSocket) {
        exchanges[ObjectIdentifier(exchange)] = nil
    }

    /// How many there are.
    var count: Int { exchanges.count }

    /// All of them, for a review: one may end while they are gone through.
    var all: [any OpenWebSocket] { Array(exchanges.values) }
}
