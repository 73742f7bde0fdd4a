import Gatekeeper

/// A WebSocket or a call of gRPC under way, as the loop that it lives on sees it.
protocol LastingExchange: AnyObject {
    /// Ends it where time or the rows do not allow it any longer.
    func review(at now: Instant)
}

/// What lasts on one loop, each of it judged anew as rows and time move on: a number of them at a time, since there can be as
/// many as streams, by which it is bounded.
struct LastingExchanges {
    private var rounds = Rounds<any LastingExchange>()
    /// Whether the round was begun by new rows, and whether more rows came since.
    private(set) var isUrgent = false
    private var isDueAgain = false

    /// How many there are.
    var count: Int { rounds.count }

    /// An exchange lasts from now on; it was just judged.
    mutating func began(_ exchange: any LastingExchange) {
        rounds.insert(exchange, ObjectIdentifier(exchange))
    }

    /// It does no longer.
    mutating func ended(_ exchange: any LastingExchange) {
        rounds.remove(ObjectIdentifier(exchange))
    }

    /// Rows have changed: a round begins, after the one that was begun by rows before where it has not ended.
    mutating func rowsChanged() {
        if isUrgent {
            isDueAgain = true
        } else {
            isUrgent = rounds.count > 0
            rounds.begin()
        }
    }

    /// A tick has passed: a round begins where none goes on.
    mutating func timePassed() {
        if rounds.isOver { rounds.begin() }
    }

    /// Takes the next ones of the round, at most so many.
    mutating func next(atMost count: Int) -> [any LastingExchange] {
        var taken: [any LastingExchange] = []
        while taken.count < count, let exchange = rounds.next() { taken.append(exchange) }
        if rounds.isOver, isUrgent {
            if isDueAgain { rounds.begin() }
            isUrgent = !rounds.isOver
            isDueAgain = false
        }
        return taken
    }
}
