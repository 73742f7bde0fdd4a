import Dispatch
import Gatekeeper
import NIOCore
import NIOPosix
import Testing

@testable import DataPlane

@Suite struct LatencyHistogramTests {
    @Test("A time falls into the bucket whose bound it does not exceed, and its sum is kept")
    func bounds() {
        for bucket in 0..<LatencyHistogram.boundCount {
            let bound = LatencyHistogram.bound(bucket)
            var histogram = LatencyHistogram()
            histogram.add(bound)
            histogram.add(bound + 1)
            #expect(histogram.count(in: bucket) == 1)
            #expect(histogram.count(in: bucket + 1) == 1)
            #expect(histogram.count == 2)
            #expect(histogram.sum == 2 * bound + 1)
        }
    }

    @Test("Nothing is too short or too long to be counted")
    func extremes() {
        var histogram = LatencyHistogram()
        histogram.add(UInt64(0))
        histogram.add(UInt64.max)
        #expect(histogram.count(in: 0) == 1)
        #expect(histogram.count(in: LatencyHistogram.boundCount) == 1)
    }

    @Test("A quantile lies within its bucket, and there is none of nothing")
    func quantiles() throws {
        var histogram = LatencyHistogram()
        #expect(histogram.quantile(0.5) == nil)
        for _ in 0..<99 { histogram.add(UInt64(10_000)) }
        histogram.add(UInt64(5_000_000_000))
        let median = try #require(histogram.quantile(0.5))
        #expect(median > 8_000 && median <= 16_000)
        let slowest = try #require(histogram.quantile(1))
        #expect(slowest > 4_000_000_000)
        let difference = histogram.since(histogram)
        #expect(difference.count == 0 && difference.sum == 0)
    }
}

@Suite struct LoopCountersTests {
    @Test("Every counter and histogram of two loops is added up")
    func addition() {
        var one = LoopCounters()
        for (index, path) in LoopCounters.numbers.enumerated() { one[keyPath: path] = UInt64(index + 1) }
        for path in LoopCounters.histograms { one[keyPath: path].add(UInt64(1_000_000)) }
        one.refusals = [.host(.unknown): 2]
        one.failedConnections = [.reset: 3]
        one.responses[2] = 4
        one.questions[.original, .refused] = 5
        one.questions[.forwarded, .refused] = 1
        one.questions[.envoyGRPC, .brokenOff] = 7
        var sum = one
        sum.add(one)
        let declared = Mirror(reflecting: one).children
        #expect(declared.count { $0.value is UInt64 } == LoopCounters.numbers.count)
        #expect(declared.count { $0.value is LatencyHistogram } == LoopCounters.histograms.count)
        #expect(declared.allSatisfy { ($0.value as? UInt64) != 0 }, "each has its place in `numbers`")
        for path in LoopCounters.numbers { #expect(sum[keyPath: path] == 2 * one[keyPath: path]) }
        for path in LoopCounters.histograms { #expect(sum[keyPath: path].count == 2) }
        #expect(sum.refusals == [.host(.unknown): 4])
        #expect(sum.failedConnections == [.reset: 6])
        #expect(sum.responses[2] == 8)
        #expect(sum.questions.count(on: "forward_auth", .refused) == 12)
        #expect(sum.questions.count(on: "forward_auth", .admitted) == 0)
        #expect(sum.questions[.envoyGRPC, .brokenOff] == 14)
    }

    @Test("A refusal counts as failed where its status says that the caller is not to blame")
    func verdicts() {
        #expect(LoopCounters.Verdict(.token(.expired)) == .refused)
        #expect(LoopCounters.Verdict(.host(.unknown)) == .refused)
        #expect(LoopCounters.Verdict(.upstream(.reset)) == .failed)
        #expect(LoopCounters.Verdict(.gateway(.overloaded)) == .failed)
    }
}

@Suite struct ExchangeTimesTests {
    @Test("The gateway's own share leaves out the wait for a connection and for the upstream")
    func shares() {
        var times = ExchangeTimes()
        (times.came, times.judged, times.connected, times.sent) = (100, 130, 500, 505)
        (times.responded, times.done) = (1_500, 1_600)
        #expect(times.total == 1_500)
        #expect(times.ownShare == 35)
        #expect(times.connectionWait == 370)
        #expect(times.upstreamWait == 995)
    }

    @Test("A request that is refused at once is all the gateway's own, and one without a head has no times")
    func refused() {
        var times = ExchangeTimes()
        (times.came, times.done) = (100, 130)
        #expect(times.ownShare == 30)
        #expect(times.connectionWait == nil && times.upstreamWait == nil)
        times.came = 0
        #expect(times.total == nil && times.ownShare == nil)
    }
}
