import Testing

@testable import DataPlane

/// Tenants that take whatever they get of an upstream's connections, and never give any back.
private final class Hoarders {
    let limit: Int
    var held: [ConnectionShare.Held]

    init(_ count: Int, limit: Int) {
        self.limit = limit
        held = Array(repeating: ConnectionShare.Held(), count: count)
    }

    var free: Int { limit - held.reduce(0) { $0 + $1.all } }

    func take(_ tenant: Int, isAnonymous: Bool = false, isAlone: Bool = false) -> Bool {
        guard
            ConnectionShare.allows(
                held[tenant], free: free, of: limit, isAnonymous: isAnonymous, isAlone: isAlone)
        else {
            return false
        }
        held[tenant].all += 1
        if isAnonymous { held[tenant].anonymous += 1 }
        return true
    }

    /// These take, by turns or one after the other, until none gets any more.
    func hoard(_ tenants: Range<Int>, byTurns: Bool) {
        var isOver = false
        while !isOver {
            isOver = true
            for tenant in tenants where take(tenant) {
                isOver = false
                while !byTurns, take(tenant) {}
            }
        }
    }
}

@Suite struct ConnectionShareTests {
    @Test(
        "Whoever holds none gets one, however many others hold all that they can",
        arguments: [(2, 1), (3, 1), (4, 1), (8, 1), (20, 3), (64, 8), (64, 2), (512, 64), (1024, 100)],
        [true, false])
    func newcomer(limitAndHoarders: (Int, Int), byTurns: Bool) {
        let (limit, hoarders) = limitAndHoarders
        let tenants = Hoarders(hoarders + 1, limit: limit)
        tenants.hoard(0..<hoarders, byTurns: byTurns)
        #expect(tenants.held[..<hoarders].allSatisfy { $0.all > 0 })
        #expect(tenants.take(hoarders))
    }

    @Test(
        "One tenant has three quarters where others might come, and all where its row alone names the upstream"
    )
    func alone() {
        for limit in [4, 8, 20, 64, 1024] {
            let shared = Hoarders(1, limit: limit)
            shared.hoard(0..<1, byTurns: true)
            #expect(shared.held[0].all * 4 == limit * 3)
            let own = Hoarders(1, limit: limit)
            while own.take(0, isAlone: true) {}
            #expect(own.free == 0)
        }
    }

    @Test("Requests without a token get no more than half, and leave as much again to the tenant's own users")
    func anonymous() {
        for limit in [2, 4, 20, 64] {
            for isAlone in [false, true] {
                let tenant = Hoarders(1, limit: limit)
                while tenant.take(0, isAnonymous: true, isAlone: isAlone) {}
                #expect(tenant.held[0].anonymous * 2 == limit)
                #expect(tenant.take(0, isAlone: isAlone) || limit == 2 && !isAlone)
            }
        }
    }

    @Test("One connection is anybody's")
    func single() {
        let tenants = Hoarders(2, limit: 1)
        #expect(tenants.take(0, isAnonymous: true))
        #expect(!tenants.take(1))
        #expect(!tenants.take(0, isAlone: true))
    }
}
