import NIOCore

/// Those who wait for one thing, served one party after the other, so that a long queue of one delays no other.
///
/// Places are shared, too: whoever has some takes another only while twice as many are free, so that one party alone
/// gets two thirds of the line at most, many together leave a rest, and whoever has none finds a place.
struct FairLine<Party: Hashable, Element> {
    /// How many of one party may wait, and how many in all.
    let partyLimit: Int
    let limit: Int
    private(set) var count = 0
    private var queues: [Party: CircularBuffer<Element>] = [:]
    /// Each party with anybody waiting, once, in the order of their turns.
    private var turns = CircularBuffer<Party>()

    init(partyLimit: Int, limit: Int) {
        self.partyLimit = partyLimit
        self.limit = limit
    }

    var isEmpty: Bool { count == 0 }

    /// Lines up one more of `party`; false where no more may wait.
    mutating func append(_ element: Element, of party: Party) -> Bool {
        let waiting = queues[party]?.count ?? 0
        let free = limit - count
        guard free > 0, waiting < partyLimit, waiting == 0 || waiting / 2 < free else { return false }
        if waiting == 0 { turns.append(party) }
        queues[party, default: CircularBuffer(initialCapacity: 4)].append(element)
        count += 1
        return true
    }

    /// The first of the party whose turn it is, which goes to the end of the turns; parties whose first may not have
    /// what is waited for keep their turns.
    mutating func next(where mayBeNext: (Element) -> Bool = { _ in true }) -> Element? {
        let turn = turns.firstIndex { party in queues[party]?.first.map(mayBeNext) ?? false }
        guard let turn, let element = queues[turns[turn]]?.popFirst() else { return nil }
        let party = turns.remove(at: turn)
        count -= 1
        if queues[party]?.isEmpty == false {
            turns.append(party)
        } else {
            queues[party] = nil
        }
        return element
    }

    /// Takes out those who wait no longer.
    mutating func remove(where isGone: (Element) -> Bool) {
        for party in Array(turns) {
            queues[party]?.removeAll(where: isGone)
            if queues[party]?.isEmpty == true { queues[party] = nil }
        }
        turns.removeAll { queues[$0] == nil }
        count = queues.values.reduce(0) { $0 + $1.count }
    }
}
