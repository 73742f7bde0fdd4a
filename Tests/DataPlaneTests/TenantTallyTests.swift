import Testing

@testable import DataPlane
@testable import Gatekeeper

@Suite struct TenantTallyTests {
    private func resolved(_ tenants: [Tenant]) -> [ResolvedTenant] {
        tenants.map { tenant in
            Array("h".utf8).withUnsafeBytes {
                ResolvedTenant(tenant, Snapshot(), host: $0, generation: 1)
            }
        }
    }

    @Test("Each tenant's requests are counted, under several hosts too, and begin anew after each handover")
    func counts() throws {
        var tally = TenantTally()
        let tenants = try AdmissionFixture.tenants(2)
        let (one, other) = (resolved([tenants[0], tenants[0]]), resolved([tenants[1]]))
        for tenant in one { tally.count(.admitted, of: tenant) }
        tally.count(.refused, of: one[0])
        tally.count(.failed, of: other[0])
        tally.count(.refused, of: nil)
        let reading = tally.handOver()
        let counts = Dictionary(
            uniqueKeysWithValues: reading.tenants.map { ($0.tenant.description, $0.counts) })
        #expect(counts.count == 2)
        #expect(counts["a0"]?[.admitted] == 2 && counts["a0"]?[.refused] == 1)
        #expect(counts["a1"]?[.failed] == 1 && counts["a1"]?.total == 1)
        #expect(reading.unknown[.refused] == 1 && reading.others.total == 0)
        tally.count(.admitted, of: one[0])
        let next = tally.handOver()
        #expect(next.tenants.count == 1 && next.tenants[0].counts.total == 1)
        #expect(tally.handOver().tenants.isEmpty)
    }

    @Test("Beyond the bound tenants share one count, and those with a place keep it")
    func bound() throws {
        var tally = TenantTally()
        let all = resolved(try AdmissionFixture.tenants(Limits.talliedTenants + 2))
        for tenant in all { tally.count(.admitted, of: tenant) }
        tally.count(.admitted, of: all[0])
        let reading = tally.handOver()
        #expect(reading.tenants.count == Limits.talliedTenants)
        #expect(reading.others[.admitted] == 2)
        #expect(reading.tenants[0].counts.total == 2)
    }
}

@Suite struct BusiestTenantsTests {
    private func reading(_ requests: [(String, UInt64)]) throws -> TenantCountsReading {
        var reading = TenantCountsReading()
        for (host, count) in requests {
            var tenant = TenantsCount(tenant: try #require(HostPattern(host)))
            tenant.counts[.admitted] = count
            reading.tenants.append(tenant)
        }
        return reading
    }

    @Test("The first few have series of their own, and all others share one")
    func fewAndOthers() throws {
        var busiest = BusiestTenants(limit: 2)
        let hosts = (0..<1000).map { ("h\($0).example.com", UInt64(1)) }
        busiest.add(try reading(hosts), at: 0)
        #expect(busiest.tenants.map(\.name) == ["h0.example.com", "h1.example.com"])
        #expect(busiest.others[.admitted] == 998)
    }

    @Test("After a minute a tenant that is more than twice as busy takes the place of the idlest")
    func rising() throws {
        var busiest = BusiestTenants(limit: 2)
        busiest.add(try reading([("idle.example", 1), ("busy.example", 100)]), at: 0)
        busiest.add(try reading([("rising.example", 30)]), at: 1)
        #expect(busiest.others[.admitted] == 30)
        busiest.add(try reading([]), at: Limits.busiestTurnNanoseconds)
        #expect(busiest.tenants.map(\.name) == ["busy.example", "rising.example"])
        busiest.add(
            try reading([("rising.example", 5), ("idle.example", 1)]), at: Limits.busiestTurnNanoseconds + 1)
        #expect(busiest.tenants.map(\.counts.total) == [100, 5], "a series begins with its place")
        #expect(busiest.others[.admitted] == 31, "and the others' never goes back")
    }

    @Test("One that is only a little busier takes nobody's place")
    func steady() throws {
        var busiest = BusiestTenants(limit: 1)
        busiest.add(try reading([("first.example", 10), ("second.example", 19)]), at: 0)
        busiest.add(try reading([]), at: Limits.busiestTurnNanoseconds)
        #expect(busiest.tenants.map(\.name) == ["first.example"])
    }

    @Test("A row whose host is the name of a series for several is counted with the others")
    func reservedNames() throws {
        var busiest = BusiestTenants(limit: 5)
        busiest.add(try reading([("other", 1), ("unknown", 2)]), at: 0)
        #expect(busiest.tenants.isEmpty && busiest.others.total == 3 && busiest.unknown.total == 0)
    }

    @Test("However many tenants come in a minute, no more than a bound of them are remembered")
    func memory() throws {
        var busiest = BusiestTenants(limit: 1)
        let crowd = (0..<Limits.talliedTenants + 100).map { ("h\($0).example", UInt64(1)) }
        busiest.add(try reading([("first.example", 1)] + crowd + [("late.example", 1000)]), at: 0)
        busiest.add(try reading([]), at: Limits.busiestTurnNanoseconds)
        #expect(
            busiest.tenants.map(\.name) == ["first.example"], "who came behind the bound was not remembered")
    }
}
