/// The assertions that one loop keeps to send again, within a budget of bytes.
///
/// They leave in the order in which they were signed, which is that in which they become useless: each as soon as it is
/// too old to be sent, and the oldest early where the budget is used up. Then it is signed anew when it is wanted, which
/// costs as much as a verification and is lent by the same turns: so a tenant with very many tokens costs others no more
/// than signatures.
struct AssertionMemory {
    /// Bytes that all of them may cost together.
    let budgetBytes: Int
    /// Bytes that they cost now.
    private(set) var usedBytes = 0
    /// The oldest first; those before `first` are gone.
    private var kept: [(assertion: Assertion, cost: Int)] = []
    private var first = 0

    /// A memory of so many bytes.
    init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    /// How many there are.
    var count: Int { kept.count - first }

    /// Keeps one, and lets go of those that are of no use any more at `now` or have no room.
    mutating func keep(_ assertion: Assertion, at now: Instant) {
        kept.append((assertion, assertion.cost))
        usedBytes += assertion.cost
        // The last one is about to be sent, whatever its size.
        while first < kept.count - 1 {
            let (oldest, cost) = kept[first]
            let isOld = !oldest.isUsable(at: now, forSeconds: Limits.assertionReuseSeconds)
            guard isOld || usedBytes > budgetBytes else { break }
            oldest.forget()
            usedBytes -= cost
            first += 1
        }
        if first > Limits.forgottenAssertions, first * 2 > kept.count {
            kept.removeFirst(first)
            first = 0
        }
    }
}
