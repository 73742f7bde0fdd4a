import Testing

@testable import DataPlane

@Suite struct UpstreamHealthTests {
    private static func failing(_ times: Int, at tick: UInt32 = 100) -> UpstreamHealth {
        var health = UpstreamHealth()
        for _ in 0..<times { health.failed(at: tick) }
        return health
    }

    @Test("Two failures in a row are forgiven, the third ejects; an answer in between begins anew")
    func ejection() {
        #expect(Self.failing(2).availability(at: 100) == .full)
        #expect(Self.failing(3).availability(at: 100) == .ejected)
        var health = Self.failing(2)
        health.succeeded(at: 100)
        health.failed(at: 101)
        health.failed(at: 101)
        #expect(health.availability(at: 101) == .full)
    }

    @Test("It comes back after five seconds, slowly, and has its whole weight after ten more")
    func slowReturn() {
        let health = Self.failing(3)
        #expect(health.availability(at: 119) == .ejected)
        #expect(health.availability(at: 120) == .returning(percent: 1))
        #expect(health.availability(at: 140) == .returning(percent: 50))
        #expect(health.availability(at: 159) == .returning(percent: 97))
        #expect(health.availability(at: 160) == .full)
    }

    @Test("One that fails on its return is ejected at once, each time for twice as long, at most a minute")
    func repeated() {
        var health = Self.failing(3)
        var tick: UInt32 = 100
        for seconds in [5, 10, 20, 40, 60, 60, 60] as [UInt32] {
            #expect(health.availability(at: tick + seconds * 4 - 1) == .ejected)
            tick += seconds * 4
            #expect(health.availability(at: tick) == .returning(percent: 1))
            health.failed(at: tick)
        }
    }

    @Test("After a whole return it needs three failures again, and the first ejection's time")
    func forgiven() {
        var health = Self.failing(3)
        health.succeeded(at: 130)
        #expect(health.availability(at: 130) == .returning(percent: 25))
        health.succeeded(at: 160)
        #expect(health == UpstreamHealth())
        health.failed(at: 161)
        health.failed(at: 161)
        #expect(health.availability(at: 161) == .full)
        health.failed(at: 161)
        #expect(health.availability(at: 180) == .ejected)
        #expect(health.availability(at: 181) == .returning(percent: 1))
    }

    @Test("Failures of requests that were under way as it was ejected do not lengthen the ejection")
    func stragglers() {
        var health = Self.failing(3)
        for _ in 0..<50 { health.failed(at: 110) }
        #expect(health.availability(at: 120) == .returning(percent: 1))
    }

    @Test(
        "A connection that was made ends a row of failures, and is no sign of health for one that is just back"
    )
    func connecting() {
        var health = Self.failing(2)
        health.connected(at: 100)
        health.failed(at: 100)
        #expect(health.availability(at: 100) == .full)
        var returning = Self.failing(3)
        returning.connected(at: 125)
        returning.failed(at: 125)
        #expect(returning.availability(at: 125) == .ejected)
    }

    @Test("Of two views of an upstream the worse holds")
    func views() {
        let all: [UpstreamHealth.Availability] = [
            .ejected, .returning(percent: 10), .returning(percent: 60), .full,
        ]
        for (one, first) in all.enumerated() {
            for (other, second) in all.enumerated() { #expect(first.or(second) == all[min(one, other)]) }
        }
    }
}
