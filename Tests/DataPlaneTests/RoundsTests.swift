import TestSupport
import Testing

@testable import DataPlane

/// Members have their turn in each round, whoever comes and goes meanwhile.
@Suite struct RoundsTests {
    final class Member {
        var turns = 0
        /// When it had its last turn, or came.
        var lastTurn = 0
    }

    @Test("A round comes to each member once, and then is over")
    func round() {
        var rounds = Rounds<Member>()
        let members = (0..<5).map { _ in Member() }
        for member in members { rounds.insert(member, ObjectIdentifier(member)) }
        #expect(rounds.isOver)
        rounds.begin()
        while let member = rounds.next() { member.turns += 1 }
        #expect(rounds.isOver)
        #expect(members.allSatisfy { $0.turns == 1 })
    }

    @Test("A member that is inserted twice is there once, and its neighbours stay")
    func twice() {
        var rounds = Rounds<Member>()
        let (first, second) = (Member(), Member())
        for member in [first, second, first] { rounds.insert(member, ObjectIdentifier(member)) }
        #expect(rounds.count == 2)
        rounds.remove(ObjectIdentifier(first))
        rounds.remove(ObjectIdentifier(first))
        #expect(rounds.all.map(ObjectIdentifier.init) == [ObjectIdentifier(second)])
    }

    /// Half of the members leave and others come between any two turns: whoever stays waits for as many turns as there are
    /// members at most, twice over.
    @Test("Nobody is passed over by those who come and go", arguments: 0..<100 as Range<UInt64>)
    func fairness(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var rounds = Rounds<Member>()
        let lasting = (0..<Int.random(in: 1...8, using: &random)).map { _ in Member() }
        for member in lasting { rounds.insert(member, ObjectIdentifier(member)) }
        var guests: [Member] = []
        var most = lasting.count
        for turn in 1...500 {
            while guests.count < 20, Bool.random(using: &random) {
                guests.append(Member())
                rounds.insert(guests[guests.count - 1], ObjectIdentifier(guests[guests.count - 1]))
            }
            while !guests.isEmpty, Bool.random(using: &random) {
                rounds.remove(
                    ObjectIdentifier(guests.remove(at: Int.random(in: 0..<guests.count, using: &random))))
            }
            most = max(most, rounds.count)
            if rounds.isOver { rounds.begin() }
            rounds.next()?.lastTurn = turn
            #expect(lasting.allSatisfy { turn - $0.lastTurn <= 2 * most })
        }
    }
}
