import DataPlane
import Gatekeeper

/// What happened in each of the last sixty minutes, for small charts; a value, fed with readings of the counters.
struct MetricsHistory: Sendable {
    /// The minutes that are over, the oldest first; `Limits.historyMinutes` at most. A minute in which the gateway did not
    /// run, or nobody took a reading, is not there.
    private(set) var minutes: [MetricsMinute] = []
    private var last: CountersReading?

    /// Takes the reading with which a minute ends, at `now`. The first one only begins the first minute.
    mutating func take(_ reading: CountersReading, at now: Instant) {
        defer { last = reading }
        guard let last else { return }
        if minutes.count >= Limits.historyMinutes {
            minutes.removeFirst(minutes.count - Limits.historyMinutes + 1)
        }
        minutes.append(MetricsMinute(endedAt: now, from: last.counters, to: reading.counters))
    }

    /// The minutes that are over, and after them the one that is not, as far as `reading`, which was taken at `now`.
    func upTo(_ reading: CountersReading, at now: Instant) -> [MetricsMinute] {
        guard let last else { return minutes }
        return minutes + [MetricsMinute(endedAt: now, from: last.counters, to: reading.counters)]
    }
}

/// What happened in one minute, or in whatever lies between two readings.
struct MetricsMinute: Sendable {
    /// When it ended.
    let endedAt: Instant
    /// Requests by what became of them.
    let requests: [LoopCounters.Verdict: UInt64]
    /// Refusals by their code, those that failed included; only codes that occurred.
    let refusals: [String: UInt64]
    /// From a request's head to its response's end, of those admitted.
    let latency: Quantiles
    /// What the gateway itself needed of it.
    let ownShare: Quantiles
    /// From a request being sent upstream to the head of its response.
    let upstream: Quantiles

    /// The middle and the slow end of times, in nanoseconds; nil where nothing was measured.
    struct Quantiles: Sendable, Equatable {
        let p50: UInt64?
        let p90: UInt64?
        let p99: UInt64?

        init(_ histogram: LatencyHistogram) {
            p50 = histogram.quantile(0.5)
            p90 = histogram.quantile(0.9)
            p99 = histogram.quantile(0.99)
        }
    }

    /// The difference of two readings.
    init(endedAt: Instant, from earlier: LoopCounters, to later: LoopCounters) {
        self.endedAt = endedAt
        var refusals: [String: UInt64] = [:]
        var requests: [LoopCounters.Verdict: UInt64] = [
            .admitted: later.admitted &- earlier.admitted,
            .brokenOff: (later.cutResponses &- earlier.cutResponses)
                &+ (later.lostClients &- earlier.lostClients),
        ]
        for (refusal, count) in later.refusals {
            let new = count &- earlier.refusals[refusal, default: 0]
            guard new > 0 else { continue }
            refusals[refusal.row.code, default: 0] &+= new
            requests[LoopCounters.Verdict(refusal), default: 0] &+= new
        }
        self.refusals = refusals
        self.requests = requests
        latency = Quantiles(later.admittedTimes.since(earlier.admittedTimes))
        ownShare = Quantiles(later.ownShares.since(earlier.ownShares))
        upstream = Quantiles(later.upstreamTimes.since(earlier.upstreamTimes))
    }

    /// Requests of every kind.
    var total: UInt64 { requests.values.reduce(0, &+) }
}
