/// Finds out from the server's count of writes whether rows were written that no read of changes can find, because they
/// have no stamp: a restore, logical replication, or somebody who switched the triggers off writes such rows.
///
/// Only a hint, which makes such rows live sooner: the hourly read of everything finds them in any case. A pure value.
struct UnexplainedWrites: Sendable {
    /// The count up to which all writes are explained; nil before the first count.
    private var known: Int64?
    /// When a read last brought changes.
    private var lastFound: ContinuousClock.Instant?
    /// When everything was last read because of unexplained writes.
    private var lastRead: ContinuousClock.Instant?
    /// How far apart such reads lie now.
    private var pause = Limits.shortestUnexplained

    /// A read brought changes, which explain the writes that are counted about now.
    mutating func explained(at now: ContinuousClock.Instant) {
        lastFound = now
        pause = Limits.shortestUnexplained
    }

    /// Whether this count of writes calls for a read of everything. Reads that find nothing, such as after writes that were
    /// rolled back, which the server counts too, lie further and further apart.
    mutating func isReadWanted(after writes: Int64?, at now: ContinuousClock.Instant) -> Bool {
        guard let writes else { return false }
        guard let known, known != writes else {
            self.known = writes
            return false
        }
        if let lastFound, now - lastFound < Limits.explainedTime {
            self.known = writes
            return false
        }
        if let lastRead, now - lastRead < pause { return false }
        self.known = writes
        if lastRead != nil { pause = min(pause * 2, Limits.fullReadInterval) }
        lastRead = now
        return true
    }
}
