import Testing

@testable import DataPlane

/// However many streams there are, a tick looks at a bounded number of them, and none is left out for long.
@Suite struct StreamVisitsTests {
    struct Connection {
        var streams: Int
        var visitedAt: UInt32 = 0
    }

    /// Ticks for all connections, in the same order each time: the most streams of one tick, and the longest time between
    /// two looks at a connection.
    static func run(_ connections: [Int], ticks: UInt32) -> (mostATick: Int, longest: UInt32) {
        var connections = connections.map { Connection(streams: $0) }
        var visits = StreamVisits()
        var (mostATick, longest) = (0, UInt32(0))
        for tick in 1...ticks {
            visits.tickBegan()
            var looked = 0
            for index in connections.indices {
                let connection = connections[index]
                guard visits.take(connection.streams, last: connection.visitedAt, at: tick) else { continue }
                looked += connection.streams
                longest = max(longest, tick - connection.visitedAt)
                connections[index].visitedAt = tick
            }
            mostATick = max(mostATick, looked)
        }
        for connection in connections { longest = max(longest, ticks - connection.visitedAt) }
        return (mostATick, longest)
    }

    @Test("Few streams are looked at in every tick")
    func few() {
        let (mostATick, longest) = Self.run(Array(repeating: 128, count: 100), ticks: 50)
        #expect(mostATick == 12_800)
        #expect(longest == 1)
    }

    @Test("Many streams take turns", arguments: [200, 1_000, 5_000])
    func many(connections: Int) {
        let counts = (0..<connections).map { 1 + $0 % 128 }
        let total = counts.reduce(0, +)
        let (mostATick, longest) = Self.run(counts, ticks: 300)
        #expect(mostATick <= Limits.streamsATick + 128)
        #expect(longest <= UInt32(2 * (total / Limits.streamsATick) + 2))
    }

    @Test("A connection without streams takes nobody's turn")
    func none() {
        var visits = StreamVisits()
        visits.tickBegan()
        let (isEmptyVisited, isNextVisited) = (visits.take(0, last: 0, at: 9), visits.take(1, last: 0, at: 9))
        #expect(!isEmptyVisited && isNextVisited)
    }
}
