/// How far a connection has read the directory. Each read takes all tenants that changed, but only a batch of the
/// revocations, so that a flood of revocations keeps no tenant waiting. A pure value.
struct ReadProgress: Sendable, Equatable {
    /// Since when the next read asks for changes.
    struct Since: Sendable {
        /// The `pg_snapshot` up to which tenants are read.
        let tenants: String
        /// The `pg_snapshot` up to which all revocations are read.
        let revocations: String
        /// Where among the later revocations to go on.
        let position: RevocationPosition
    }

    /// Batches under way: the `pg_snapshot` that the first of them saw, and where the next one begins.
    private struct Batches: Equatable {
        let target: String
        let position: RevocationPosition
    }

    /// Where tenants were read last.
    private(set) var point: ReadPoint
    /// The `pg_snapshot` up to which all revocations are read.
    private var base: String
    private var batches: Batches?
    /// Whether `point` may have seen revocations that are not read yet.
    private(set) var isBehind = false

    /// Everything was read at `point`.
    init(point: ReadPoint) {
        self.point = point
        self.base = point.visibility
    }

    /// What the next read asks for.
    var since: Since {
        Since(tenants: point.visibility, revocations: base, position: batches?.position ?? .start)
    }

    /// What changed was read at `point`: all tenants, and revocations up to `next`, or all of them where that is nil.
    ///
    /// After the last of several batches, everything that the first one saw is read. Revocations that were written
    /// meanwhile may stand before the positions of later batches, so they are asked for once more.
    mutating func advance(to point: ReadPoint, revocations next: RevocationPosition?) {
        self.point = point
        isBehind = next != nil || batches != nil
        if let next {
            batches = Batches(target: batches?.target ?? point.visibility, position: next)
        } else {
            base = batches?.target ?? point.visibility
            batches = nil
        }
    }
}

/// A place in the order in which revocations are read: that of their `changed` stamps, then of their ids.
struct RevocationPosition: Sendable, Equatable {
    /// The `xid8` of the last entry read.
    let changed: String
    /// The id of the last entry read.
    let id: Int64

    /// Before every entry.
    static let start = RevocationPosition(changed: "0", id: 0)
}
