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

    /// Whether the refusal is written; `finished` gets what was counted in a second that is over.
    mutating func admits(_ kind: Kind, at time: Instant, finished: inout [Suppressed]) -> Bool {
        advance(to: time, finished: &finished)
        // Beyond the bound kinds share a count, so that made-up names cannot grow it.
        let counted =
            counts[kind] != nil || counts.count < Limits.throttledPairs
            ? kind : Kind(tenant: nil, code: "other")
        let count = counts[counted, default: 0] + 1
        counts[counted] = count
        return count <= Limits.refusalsWrittenPerSecond
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
            finished.append(Suppressed(kind: kind, count: count - Limits.refusalsWrittenPerSecond))
        }
        counts.removeAll(keepingCapacity: true)
    }
}
