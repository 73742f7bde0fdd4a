/// How long things took, counted in buckets whose bounds double from one to the next.
///
/// A fixed array inside the value: counting is a division by a constant, a count of leading zeros and two additions,
/// without a branch over bounds and without memory of its own.
package struct LatencyHistogram: Sendable {
    /// How many bounds there are; what is longer than the last one has a bucket of its own behind them.
    package static let boundCount = 25

    private var counts: InlineArray<26, UInt64> = .init(repeating: 0)
    /// The sum of all that was counted, in nanoseconds.
    package private(set) var sum: UInt64 = 0

    /// A histogram of nothing.
    package init() {}

    /// The bound of a bucket in nanoseconds, itself included: 4 µs for index 0, 67 s for the last of `boundCount`.
    package static func bound(_ index: Int) -> UInt64 { Limits.shortestBucketNanoseconds << UInt64(index) }

    /// How many fell into a bucket, which is one of `boundCount`, or the one behind.
    package func count(in bucket: Int) -> UInt64 { counts[bucket] }

    /// How many were counted.
    package var count: UInt64 {
        var total: UInt64 = 0
        for bucket in counts.indices { total &+= counts[bucket] }
        return total
    }

    /// Counts something that took so many nanoseconds.
    package mutating func add(_ nanoseconds: UInt64) {
        let steps = (nanoseconds &- (nanoseconds == 0 ? 0 : 1)) / Limits.shortestBucketNanoseconds
        let bucket = min(UInt64.bitWidth - steps.leadingZeroBitCount, LatencyHistogram.boundCount)
        counts[bucket] &+= 1
        sum &+= nanoseconds
    }

    /// Counts it where it happened.
    mutating func add(_ nanoseconds: UInt64?) {
        if let nanoseconds { add(nanoseconds) }
    }

    /// Takes in what another one counted.
    package mutating func add(_ other: LatencyHistogram) {
        for bucket in counts.indices { counts[bucket] &+= other.counts[bucket] }
        sum &+= other.sum
    }

    /// What was counted since `earlier`, a reading of the same histogram.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var difference = LatencyHistogram()
        for bucket in counts.indices {
            difference.counts[bucket] = counts[bucket] &- earlier.counts[bucket]
        }
        difference.sum = sum &- earlier.sum
        return difference
    }

    /// The nanoseconds within which a share of what was counted lies, 0.99 for the 99th percentile, taken as spread evenly
    /// over its bucket; nil where nothing was counted.
    package func quantile(_ share: Double) -> UInt64? {
        let total = count
        guard total > 0 else { return nil }
        let rank = min(max(share, 0), 1) * Double(total)
        var below: UInt64 = 0
        for bucket in counts.indices where counts[bucket] > 0 {
            if Double(below &+ counts[bucket]) >= rank {
                let low = bucket == 0 ? 0 : LatencyHistogram.bound(bucket - 1)
                let high = LatencyHistogram.bound(min(bucket, LatencyHistogram.boundCount - 1))
                guard high > low else { return low }
                let part = (rank - Double(below)) / Double(counts[bucket])
                return low + UInt64(Double(high - low) * max(part, 0))
            }
            below &+= counts[bucket]
        }
        return LatencyHistogram.bound(LatencyHistogram.boundCount - 1)
    }
}
