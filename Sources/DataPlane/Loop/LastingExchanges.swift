import Gatekeeper

/// A WebSocket or a call of gRPC under way, as the loop that it lives on sees it.
protocol LastingExchange: AnyObject {
    /// Ends it where time or the rows do not allow it any longer.
    func review(at now: Instant)
}

/// What lasts on one loop, each of it judged anew as rows and time move on: a number of them at a time, since there can be as
/// many as streams.
///
/// A pass goes from the last to the first, so that whatever ends meanwhile, none is left out: the place of one that ended
/// is taken by the last. Bounded by the streams of the loop's connections.
struct LastingExchanges {
    private var exchanges: [any LastingExchange] = []
    private var places: [ObjectIdentifier: Int] = [:]
    /// The pass has yet to come to those before this place.
    private var unseen = 0
    /// Whether the pass was begun by new rows, and whether more rows came since.
    private(set) var isUrgent = false
    private var isDueAgain = false

    /// How many there are.
    var count: Int { exchanges.count }

    /// An exchange lasts from now on; it was just judged.
    mutating func began(_ exchange: any LastingExchange) {
        guard places.updateValue(exchanges.count, forKey: ObjectIdentifier(exchange)) == nil else { return }
        exchanges.append(exchange)
    }

    /// It does no longer.
    mutating func ended(_ exchange: any LastingExchange) {
        guard let place = places.removeValue(forKey: ObjectIdentifier(exchange)),
            let last = exchanges.popLast()
        else { return }
        if place < exchanges.count {
            exchanges[place] = last
            places[ObjectIdentifier(last)] = place
        }
        unseen = min(unseen, exchanges.count)
    }

    /// Rows have changed: a pass begins, after the one that was begun by rows before where it has not ended.
    mutating func rowsChanged() {
        if isUrgent {
            isDueAgain = true
        } else {
            isUrgent = !exchanges.isEmpty
            unseen = exchanges.count
        }
    }

    /// A tick has passed: a pass begins where none goes on.
    mutating func timePassed() {
        if unseen == 0 { unseen = exchanges.count }
    }

    /// Takes the next ones of the pass, at most so many.
    mutating func next(atMost count: Int) -> [any LastingExchange] {
        let taken = Array(exchanges[max(0, unseen - count)..<unseen])
        unseen -= taken.count
        if unseen == 0 {
            unseen = isDueAgain ? exchanges.count : 0
            isUrgent = isDueAgain && unseen > 0
            isDueAgain = false
        }
        return taken
    }
}
