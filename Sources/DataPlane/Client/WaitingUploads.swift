/// What one HTTP/2 connection holds of requests whose upstreams do not take them, in bytes.
///
/// Each stream's own window stays shut for what waits of it. The connection's, which all of them need, opens again at once:
/// so a request that is not taken holds up no other. Only while the loop has lent all that it may does the window stay shut
/// for what came, and `isOverdrawn` then says whose streams are to make room.
struct WaitingUploads {
    /// What waits in all, and for how much of it the connection's window stays shut.
    private(set) var bytes = 0
    private(set) var owed = 0

    /// Whether the connection holds more than its share where nothing is left to be lent.
    func isOverdrawn(_ loan: LentBytes) -> Bool { bytes > loan.share && !loan.hasRoom }

    /// So many bytes more wait; gives how many the connection's window opens by.
    mutating func add(_ count: Int, _ loan: inout LentBytes) -> Int {
        let before = bytes - owed
        bytes += count
        owed += count
        return open(owed, from: before, &loan)
    }

    /// So many bytes were taken, or are given up; gives how many the connection's window opens by.
    mutating func remove(_ count: Int, _ loan: inout LentBytes) -> Int {
        let before = bytes - owed
        bytes -= count
        let credit = min(owed, count)
        owed -= credit
        loan.changed(from: before, to: bytes - owed)
        return credit + open(owed, from: bytes - owed, &loan)
    }

    /// Time has passed; gives how many bytes the connection's window opens by, because others have given back what they had.
    mutating func settle(_ loan: inout LentBytes) -> Int {
        owed > 0 ? open(owed, from: bytes - owed, &loan) : 0
    }

    /// Opens the window by `count`, where there is room.
    private mutating func open(_ count: Int, from before: Int, _ loan: inout LentBytes) -> Int {
        guard count > 0, before < loan.share || loan.hasRoom else { return 0 }
        owed -= count
        loan.changed(from: before, to: before + count)
        return count
    }
}
