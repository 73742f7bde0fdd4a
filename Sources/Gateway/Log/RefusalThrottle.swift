import DataPlane
import Gatekeeper

/// Decides which refusals get a line of their own: so many a second of one tenant and code. The rest is counted.
///
/// A pure value; the time is that which the records carry.
struct RefusalThrottle: Sendable {
    /// What refusals have in common that are counted together.
    struct Kind: Hashable, Sendable {
        /// The row's host; nil where no row was found.
        let tenant: HostPattern?
        let code: String
    }

    /// How many refusals of a kind got no line in one second.
    struct Suppressed: Equatable, Sendable {
        let kind: Kind
        let count: Int
    }

    private var second: Int64?
    private var counts: [Kind: Int] = [:]
    /// Refusals that the loops themselves only counted, so that no record of each came.
    private var others: [Kind: Int] = [:]

    /// Whether a refusal gets a line; `finished` gets the counts of a second that is over.
    mutating func admits(_ kind: Kind, at time: Instant, finished: inout [Suppressed]) -> Bool {
        advance(to: time, finished: &finished)
        // Beyond a bound all kinds share one count, so that a client who makes up hosts cannot grow the memory.
        let counted = RefusalThrottle.place(of: kind, in: counts)
        let count = counts[counted, default: 0] + 1
        counts[counted] = count
        return count <= Limits.refusalsWrittenPerSecond
    }

    /// Adds refusals that a loop counted.
    mutating func add(_ count: Int, of kind: Kind) {
        others[RefusalThrottle.place(of: kind, in: others), default: 0] += count
    }

    private static func place(of kind: Kind, in counts: [Kind: Int]) -> Kind {
        counts[kind] != nil || counts.count < Limits.throttledPairs ? kind : Kind(tenant: nil, code: "other")
    }

    /// Ends the second under way where `time` lies in a later one. The records of several loops come slightly out of order,
    /// so one that is older by a second or two counts for the second under way.
    mutating func advance(to time: Instant, finished: inout [Suppressed]) {
        let now = time.seconds(since: Instant(nanoseconds: 0))
        if let second, now <= second, second - now <= 2 { return }
        finish(&finished)
        second = now
    }

    /// Ends the second under way, because the log ends.
    mutating func finish(_ finished: inout [Suppressed]) {
        for (kind, count) in counts where count > Limits.refusalsWrittenPerSecond {
            others[kind, default: 0] += count - Limits.refusalsWrittenPerSecond
        }
        finished += others.map { Suppressed(kind: $0.key, count: $0.value) }
        counts.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
    }
}
