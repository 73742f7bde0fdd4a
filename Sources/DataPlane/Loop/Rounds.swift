/// Members that are gone through round after round, some at a time, while members come and go.
///
/// A round goes from the last to the first and the place of one that left is taken by the last, which had its turn: so
/// whoever stays has its turn in each round, however many come and go. Bounded by whoever inserts.
struct Rounds<Member> {
    private var members: [(id: ObjectIdentifier, member: Member)] = []
    private var places: [ObjectIdentifier: Int] = [:]
    /// The round has yet to come to the members before this place.
    private var unseen = 0

    /// How many there are.
    var count: Int { members.count }

    /// Whether the round is over.
    var isOver: Bool { unseen == 0 }

    /// All of them, in no order.
    var all: [Member] { members.map { $0.member } }

    /// Adds a member, which has its first turn in the next round. One that is there already stays as it is.
    mutating func insert(_ member: Member, _ id: ObjectIdentifier) {
        guard places[id] == nil else { return }
        places[id] = members.count
        members.append((id, member))
    }

    /// Removes a member, where it is there.
    mutating func remove(_ id: ObjectIdentifier) {
        guard let place = places.removeValue(forKey: id), let last = members.popLast() else { return }
        if place < members.count {
            members[place] = last
            places[last.id] = place
        }
        unseen = min(unseen, members.count)
    }

    /// A round begins.
    mutating func begin() {
        unseen = members.count
    }

    /// The next member of the round; nil where it is over.
    mutating func next() -> Member? {
        guard unseen > 0 else { return nil }
        unseen -= 1
        return members[unseen].member
    }
}
