import Dispatch
import NIOCore
import NIOPosix
import Platform
import Synchronization
import Testing

@testable import DataPlane

@Suite struct CountersBoardTests {
    private func reading(_ admitted: UInt64) -> LoopReading {
        var counters = LoopCounters()
        counters.admitted = admitted
        return LoopReading(
            at: MonotonicClock.nanoseconds, counters: counters, figures: LoopFigures(), upstreams: [],
            tenants: TenantCountsReading())
    }

    @Test("What all loops counted is added up")
    func sum() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let board = CountersBoard()
        for (index, loop) in group.makeIterator().enumerated() {
            board.add(loop) { self.reading(UInt64(index + 1)) }
        }
        let reading = await board.read(within: .seconds(10))
        #expect(reading.counters.admitted == 3)
        #expect(reading.loops.count == 2 && reading.loops.allSatisfy { $0.askedAt == nil })
        board.close()
        try await group.shutdownGracefully()
    }

    @Test(
        "A loop that hangs holds up no reading: its last word is shown, it is asked once, and it grows late")
    func hangingLoop() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let board = CountersBoard()
        let asked = Atomic<Int>(0)
        let loops = Array(group.makeIterator())
        board.add(loops[0]) { self.reading(1) }
        board.add(loops[1]) {
            self.reading(UInt64(asked.add(1, ordering: .relaxed).newValue) * 10)
        }
        #expect(await board.read(within: .seconds(10)).counters.admitted == 11)
        let release = DispatchSemaphore(value: 0)
        loops[1].execute { release.wait() }
        for _ in 0..<3 {
            let reading = await board.read(within: .milliseconds(20))
            #expect(reading.counters.admitted == 11)
            #expect(reading.loops[1].askedAt != nil)
            #expect(reading.loops[1].delay(at: reading.at) >= 20_000_000)
            #expect(reading.loops[0].delay(at: reading.at) == 0)
        }
        release.signal()
        let after = await board.read(within: .seconds(10))
        #expect(
            [21, 31].contains(after.counters.admitted), "one question was owed, and one may have come since")
        #expect(after.loops[1].askedAt == nil)
        board.close()
        try await group.shutdownGracefully()
    }

    @Test("A board that is closed asks nobody, and says what it knows")
    func closed() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let board = CountersBoard()
        board.add(group.next()) { self.reading(7) }
        _ = await board.read(within: .seconds(10))
        board.close()
        try await group.shutdownGracefully()
        #expect(await board.read(within: .seconds(10)).counters.admitted == 7)
    }

    @Test("Of the upstreams of all loops the ejected ones are shown first, then the busiest, up to a bound")
    func upstreams() {
        var upstreams = (0..<Limits.shownUpstreams + 5).map { index in
            var figures = UpstreamFigures(upstream: "http://u\(index)")
            figures.open = index
            return figures
        }
        upstreams[3].ejections = 1
        let loop = CountersReading.Loop(
            reading: LoopReading(
                at: 1, counters: LoopCounters(), figures: LoopFigures(), upstreams: upstreams,
                tenants: TenantCountsReading()), askedAt: nil)
        let reading = CountersReading(at: 1, loops: [loop, loop], tenants: BusiestTenants())
        #expect(reading.upstreams.count == Limits.shownUpstreams)
        #expect(reading.upstreams[0].upstream == "http://u3" && reading.upstreams[0].ejections == 2)
        #expect(reading.upstreams[1].open == 2 * (Limits.shownUpstreams + 4))
    }
}
