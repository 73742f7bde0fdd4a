/// What the HTTP/2 connections of one loop hold beyond what each may hold for itself, because some of their streams are
/// taken and others are not.
struct LentBytes {
    /// What one connection may hold that is not lent, and what is lent to all of them together.
    let share: Int
    let limit: Int
    private(set) var bytes = 0

    init(share: Int, limit: Int) {
        self.share = share
        self.limit = limit
    }

    /// Whether a connection that holds more than its share may have more.
    var hasRoom: Bool { bytes < limit }

    /// A connection that held `before` bytes holds `after`.
    mutating func changed(from before: Int, to after: Int) {
        bytes += max(0, after - share) - max(0, before - share)
    }
}
