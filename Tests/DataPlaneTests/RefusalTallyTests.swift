import Gatekeeper
import HTTPMessage
import Testing

@testable import DataPlane

@Suite struct RefusalTallyTests {
    private func admitted(_ count: Int, _ refusal: Refusal, by tally: inout RefusalTally) -> Int {
        var admitted = 0
        for _ in 0..<count where tally.admits(refusal, of: nil, status: 400) { admitted += 1 }
        return admitted
    }

    @Test("Ten of one kind are recorded in a second, the others are counted")
    func bound() {
        var tally = RefusalTally()
        let admitted = admitted(25, .credential(.missingToken), by: &tally)
        #expect(admitted == 10)
        let others = tally.endSecond()
        #expect(others.map(\.count) == [15] && others.map(\.status) == [400])
        #expect(others.map(\.refusal) == [.credential(.missingToken)])
    }

    @Test("Another kind, and another second, are counted anew")
    func kinds() {
        var tally = RefusalTally()
        let first = [
            admitted(10, .credential(.missingToken), by: &tally), admitted(1, .token(.expired), by: &tally),
        ]
        let words =
            admitted(1, .message(.tooManyFields), by: &tally)
            + admitted(1, .message(.headTooLarge), by: &tally)
        let others = tally.endSecond()
        #expect(first == [10, 1] && words == 2 && others.isEmpty)
        let second = admitted(1, .credential(.missingToken), by: &tally)
        #expect(second == 1)
    }

    @Test("What shares a code is one kind")
    func sharedCode() {
        var tally = RefusalTally()
        let admitted =
            admitted(8, .message(.bareLF), by: &tally) + admitted(8, .message(.badHost), by: &tally)
        #expect(admitted == 10 && tally.endSecond().map(\.count) == [6])
    }

    @Test("Kinds beyond the bound are recorded one by one")
    func beyondKinds() throws {
        var tally = RefusalTally()
        let tenants = try AdmissionFixture.tenants(2_000)
        func admitted(_ count: Int, of tenant: Tenant) -> Int {
            (0..<count).count { _ in tally.admits(.credential(.missingToken), of: tenant, status: 401) }
        }
        for tenant in tenants { _ = admitted(1, of: tenant) }
        #expect(admitted(20, of: tenants[0]) == 9 && admitted(20, of: tenants[1_999]) == 20)
    }
}
