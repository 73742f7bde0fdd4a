import NIOCore

/// Those who wait for one thing, served one party after the other, so that a long queue of one delays no other.
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
        guard count < limit, waiting < partyLimit else { return false }
        if waiting == 0 { turns.append(party) }
        queues[party, default: CircularBuffer(initialCapacity: 4)].append(element)
        count += 1
        return true
    }

    /// The first of the party whose turn it is, which goes to the end of the turns.
    mutating func next() -> Element? {
        guard let party = turns.popFirst(), let element = queues[party]?.popFirst() else { return nil }
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
