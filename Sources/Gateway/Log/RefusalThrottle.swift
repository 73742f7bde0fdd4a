import DataPlane
import Gatekeeper

/// Decides which refusals get a line of their own: ten a second of one tenant and reason, the rest is counted.
///
/// A pure value; time is that of the records.
struct RefusalThrottle: Sendable {
    /// What refusals have in common that are counted together.
    struct Kind: Hashable, Sendable {
        /// Nil where no row was found.
        let tenant: String?
        let code: String
    }

    /// Refusals of one second that got no line.
    struct Suppressed: Equatable, Sendable {
        let kind: Kind
        let count: Int
    }

    private var second: Int64?
    private var counts: [Kind: Int] = [:]
    /// Refusals that the loops counted and did not tell one by one.
    private var others: [Kind: Int] = [:]

    /// Whether the refusal is written; `finished` gets what was counted in a second that is over.
    mutating func admits(_ kind: Kind, at time: Instant, finished: inout [Suppressed]) -> Bool {
        advance(to: time, finished: &finished)
        // Beyond the bound kinds share a count, so that made-up names cannot grow it.
        let counted = RefusalThrottle.place(of: kind, in: counts)
        let count = counts[counted, default: 0] + 1
        counts[counted] = count
        return count <= Limits.refusalsWrittenPerSecond
    }

    /// Counts refusals that were not told one by one.
    mutating func add(_ count: Int, of kind: Kind) {
        others[RefusalThrottle.place(of: kind, in: others), default: 0] += count
    }

    private static func place(of kind: Kind, in counts: [Kind: Int]) -> Kind {
        counts[kind] != nil || counts.count < Limits.throttledPairs ? kind : Kind(tenant: nil, code: "other")
    }

    /// Ends the second under way where `time` lies behind it. Records of several loops may come slightly out of order:
    /// time that goes back by a second or two stays in the second under way.
    mutating func advance(to time: Instant, finished: inout [Suppressed]) {
        let now = time.seconds(since: Instant(nanoseconds: 0))
        if let second, now <= second, second - now <= 2 { return }
        finish(&finished)
        second = now
    }

    /// Ends the second under way, as the log ends.
    mutating func finish(_ finished: inout [Suppressed]) {
        for (kind, count) in counts where count > Limits.refusalsWrittenPerSecond {
            others[kind, default: 0] += count - Limits.refusalsWrittenPerSecond
        }
        finished += others.map { Suppressed(kind: $0.key, count: $0.value) }
        counts.removeAll(keepingCapacity: true)
        others.removeAll(keepingCapacity: true)
    }
}
