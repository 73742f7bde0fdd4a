import Testing

@testable import DataPlane

@Suite struct LenderTests {
    @Test("Nobody has more than one may, all together never more than the limit, and everything comes back")
    func bounds() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var lender = Lender(
                limit: Int.random(in: 0...100, using: &random),
                limitOfOne: Int.random(in: 0...50, using: &random))
            var debts = [Int](repeating: 0, count: 5)
            for _ in 0..<200 {
                let who = Int.random(in: 0..<5, using: &random)
                let (debt, lent) = (debts[who], lender.lent)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    lender.takeBack(&debts[who])
                    #expect(debts[who] == 0 && lender.lent == lent - debt)
                    continue
                }
                let count = Int.random(in: 0...30, using: &random)
                let isLent = lender.lend(count, to: &debts[who])
                #expect(isLent == (debt + count <= lender.limitOfOne && lent + count <= lender.limit))
                #expect(debts[who] == debt + (isLent ? count : 0))
                #expect(lender.lent == debts.reduce(0, +))
            }
        }
    }
}
