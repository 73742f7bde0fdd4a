import Gatekeeper
import Testing

@testable import Gateway

@Suite struct RefusalThrottleTests {
    private let kind = RefusalThrottle.Kind(tenant: HostPattern("a.example"), code: "expired")

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test("Ten of one tenant and reason are written in a second, the eleventh is counted")
    func ten() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        let written = (0..<11).map { throttle.admits(kind, at: at(1_000 + $0), finished: &finished) }
        #expect(written == Array(repeating: true, count: 10) + [false])
        throttle.advance(to: at(1_999), finished: &finished)
        #expect(finished == [])
        throttle.advance(to: at(2_000), finished: &finished)
        #expect(finished == [.init(kind: kind, count: 1)])
    }

    @Test("What the loops counted is added to what is counted here")
    func countedByLoops() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        for _ in 0..<11 { _ = throttle.admits(kind, at: at(0), finished: &finished) }
        throttle.add(500, of: kind)
        throttle.add(30, of: .init(tenant: nil, code: "unknown_host"))
        throttle.advance(to: at(1_000), finished: &finished)
        #expect(
            Set(finished.map(\.count)) == [501, 30] && finished.contains(.init(kind: kind, count: 501)))
        finished = []
        #expect(throttle.admits(kind, at: at(1_001), finished: &finished))
        throttle.finish(&finished)
        #expect(finished == [])
    }

    @Test("Exactly ten leave no count")
    func exactlyTen() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        for _ in 0..<10 { #expect(throttle.admits(kind, at: at(0), finished: &finished)) }
        throttle.finish(&finished)
        #expect(finished == [])
    }

    @Test("Another tenant, another reason and another second are counted apart")
    func apart() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        for _ in 0..<50 { _ = throttle.admits(kind, at: at(0), finished: &finished) }
        #expect(
            throttle.admits(
                .init(tenant: HostPattern("b.example"), code: "expired"), at: at(1), finished: &finished))
        #expect(throttle.admits(.init(tenant: nil, code: "expired"), at: at(1), finished: &finished))
        #expect(
            throttle.admits(
                .init(tenant: HostPattern("a.example"), code: "bad_signature"), at: at(1), finished: &finished
            )
        )
        #expect(finished == [])
        #expect(throttle.admits(kind, at: at(1_000), finished: &finished))
        #expect(finished == [.init(kind: kind, count: 40)])
    }

    @Test("A record that comes slightly late does not open the second again")
    func late() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        for _ in 0..<10 { _ = throttle.admits(kind, at: at(5_000), finished: &finished) }
        #expect(!throttle.admits(kind, at: at(4_999), finished: &finished))
        #expect(!throttle.admits(kind, at: at(5_001), finished: &finished))
    }

    @Test("A clock set back by more than that goes on with the time it says")
    func setBack() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        for _ in 0..<11 { _ = throttle.admits(kind, at: at(1_000_000), finished: &finished) }
        #expect(throttle.admits(kind, at: at(10_000), finished: &finished))
        #expect(finished.count == 1)
    }

    @Test("Beyond the bound, made-up kinds share one count")
    func bound() {
        var throttle = RefusalThrottle()
        var finished: [RefusalThrottle.Suppressed] = []
        let kinds = (0..<(Limits.throttledPairs + 100)).map {
            RefusalThrottle.Kind(tenant: HostPattern("t\($0)"), code: "x")
        }
        let written = kinds.filter { throttle.admits($0, at: at(0), finished: &finished) }.count
        #expect(written == Limits.throttledPairs + 10)
        throttle.finish(&finished)
        #expect(finished == [.init(kind: .init(tenant: nil, code: "other"), count: 90)])
    }
}

@Suite struct RepetitionTests {
    private func at(_ seconds: Int64) -> Instant { Instant(seconds: seconds) }

    @Test("The same failure is told once, and again with its count when time has passed")
    func repetition() {
        var repetition = Repetition()
        #expect(repetition.admit("p", "dns", at: at(0)) == 0)
        #expect(repetition.admit("p", "dns", at: at(1)) == nil)
        #expect(repetition.admit("p", "dns", at: at(Limits.repetitionSeconds - 1)) == nil)
        #expect(repetition.admit("p", "dns", at: at(Limits.repetitionSeconds)) == 2)
        #expect(repetition.admit("p", "dns", at: at(Limits.repetitionSeconds + 1)) == nil)
    }

    @Test("Another reason, another thing, and a failure after recovery are told at once")
    func changes() {
        var repetition = Repetition()
        #expect(repetition.admit("p", "dns", at: at(0)) == 0)
        #expect(repetition.admit("p", "tls", at: at(1)) == 0)
        #expect(repetition.admit("q", "tls", at: at(1)) == 0)
        repetition.end("p")
        #expect(repetition.admit("p", "tls", at: at(2)) == 0)
    }
}
