/// Bytes that one loop lends to clients who bring more at once than may wait; each keeps count of its own debt.
struct Lender {
    /// The most that all have together, and that one has.
    let limit: Int
    let limitOfOne: Int
    private(set) var lent = 0

    init(limit: Int, limitOfOne: Int) {
        self.limit = limit
        self.limitOfOne = limitOfOne
    }

    /// Adds so many bytes to somebody's debt; false, and nothing lent, where that would be more than one or all may have.
    mutating func lend(_ count: Int, to debt: inout Int) -> Bool {
        guard debt + count <= limitOfOne, lent + count <= limit else { return false }
        debt += count
        lent += count
        return true
    }

    /// Takes everything back.
    mutating func takeBack(_ debt: inout Int) {
        lent -= debt
        debt = 0
    }
}
