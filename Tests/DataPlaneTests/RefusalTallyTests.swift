import Gatekeeper
import Testing

@testable import DataPlane

@Suite struct RefusalTallyTests {
    private func admitted(_ count: Int, _ refusal: Refusal, by tally: inout RefusalTally) -> Int {
        var admitted = 0
        for _ in 0..<count where tally.admits(refusal, of: nil, status: 400) { admitted += 1 }
        return admitted
    }

    @Test func `Ten of one kind are recorded in a second, the others are counted`() {
        var tally = RefusalTally()
        let admitted = admitted(25, .missingToken, by: &tally)
        #expect(admitted == 10)
        let others = tally.endSecond()
        #expect(others.map(\.count) == [15] && others.map(\.status) == [400])
        #expect(others.map(\.refusal) == [.missingToken])
    }

    @Test func `Another kind, and another second, are counted anew`() {
        var tally = RefusalTally()
        let first = [admitted(10, .missingToken, by: &tally), admitted(1, .badToken(.expired), by: &tally)]
        let words = admitted(1, .badRequest("one"), by: &tally) + admitted(1, .badRequest("two"), by: &tally)
        let others = tally.endSecond()
        #expect(first == [10, 1] && words == 2 && others.isEmpty)
        let second = admitted(1, .missingToken, by: &tally)
        #expect(second == 1)
    }

    @Test func `Kinds beyond the bound are recorded one by one`() {
        var tally = RefusalTally()
        for number in 0..<2_000 {
            _ = admitted(1, .tenantMisconfigured(RowFlaw("\(number)")), by: &tally)
        }
        let known = admitted(20, .tenantMisconfigured(RowFlaw("0")), by: &tally)
        let beyond = admitted(20, .tenantMisconfigured(RowFlaw("1999")), by: &tally)
        #expect(known == 9 && beyond == 20)
    }
}
