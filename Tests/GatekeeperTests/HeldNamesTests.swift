import Testing

@testable import Gatekeeper

@Suite struct HeldNamesTests {
    private func names(_ numbers: Range<Int>) -> [[UInt8]] { numbers.map { Array("name\($0)".utf8) } }

    @Test(
        "Few names and many are compared to the same result",
        arguments: [0..<0, 0..<1, 5..<9, 0..<100, 50..<150, 0..<2_000, 3_000..<3_001])
    func results(required: Range<Int>) {
        for held in [0..<0, 0..<1, 0..<8, 40..<60, 0..<100, 0..<3_000] {
            let isAny = HeldNames.holdsAny(names(held), of: names(required))
            let isAll = HeldNames.holdsAll(names(held), of: names(required))
            #expect(isAny == held.overlaps(required))
            #expect(
                isAll
                    == (required.isEmpty
                        || (held.lowerBound <= required.lowerBound && required.upperBound <= held.upperBound))
            )
        }
    }
}
