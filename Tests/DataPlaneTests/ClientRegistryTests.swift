import NIOEmbedded
import Testing

@testable import DataPlane

/// A tick looks at a bounded number of streams, and at each connection's in turn.
@Suite struct ClientRegistryTests {
    final class Connection: LoopConnection {
        var streams: Int
        var looks: [UInt32] = []
        var ticks = 0
        /// Called when its streams are looked at.
        var whenLooked: () -> Void = {}

        init(streams: Int) { self.streams = streams }

        func ticked(_ tick: UInt32) { ticks += 1 }

        func lookAtStreams(_ tick: UInt32) -> Int {
            looks.append(tick)
            whenLooked()
            return streams
        }

        func drain() {}
        func abort() {}
    }

    static func made(_ counts: [Int]) -> (ClientRegistry, [Connection]) {
        let registry = ClientRegistry(loop: EmbeddedEventLoop())
        let connections = counts.map { Connection(streams: $0) }
        for connection in connections { registry.opened(connection) }
        return (registry, connections)
    }

    @Test("Where there are few streams, each is looked at once in every tick")
    func few() {
        let (registry, connections) = Self.made(Array(repeating: 100, count: 100))
        for tick in 1...20 { registry.ticked(UInt32(tick)) }
        #expect(connections.allSatisfy { $0.looks == Array(1...20) && $0.ticks == 20 })
    }

    @Test(
        "Where there are many, connections take turns, and the clock of each connection itself is never late")
    func many() {
        let (registry, connections) = Self.made(Array(repeating: 128, count: 1_000))
        for tick in 1...80 {
            registry.ticked(UInt32(tick))
            let looked = connections.filter { $0.looks.last == UInt32(tick) }.reduce(0) { $0 + $1.streams }
            #expect(looked <= Limits.streamsATick + 128)
        }
        #expect(connections.allSatisfy { $0.ticks == 80 })
        // 128,000 streams take less than eight ticks.
        #expect(connections.allSatisfy { (10...11).contains($0.looks.count) })
    }

    @Test("A connection that ends while it is looked at takes nobody's turn")
    func ends() {
        let (registry, connections) = Self.made(Array(repeating: 1, count: 10))
        for connection in connections.prefix(5) {
            connection.whenLooked = { registry.closed(connection) }
        }
        for tick in 1...3 { registry.ticked(UInt32(tick)) }
        #expect(connections.prefix(5).allSatisfy { $0.looks == [1] })
        #expect(connections.suffix(5).allSatisfy { $0.looks == [1, 2, 3] })
        #expect(registry.count == 5)
    }
}
