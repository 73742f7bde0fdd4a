import Testing

@testable import Gatekeeper

@Suite struct HostCacheTests {
    private let tenant: Tenant

    init() throws {
        var bench = Bench()
        tenant = try bench.parser.tenant(Bench.row(try PoolFixture()))
    }

    private func find(_ host: String, in cache: HostCache) -> ResolvedTenant? {
        Array(host.utf8).withUnsafeBytes { cache.resolved(for: $0) }
    }

    private func remember(_ host: String, in cache: inout HostCache) {
        let generation = cache.generation
        let resolved = Array(host.utf8).withUnsafeBytes {
            ResolvedTenant(tenant, Snapshot(), host: $0, generation: generation)
        }
        cache.insert(resolved)
    }

    @Test("A host is found by its bytes, and only by all of them")
    func bytes() {
        var cache = HostCache(seed: 7)
        let hosts = ["a", "acme.ex", "acme.exa", "acme.example.com", String(repeating: "x", count: 253)]
        for host in hosts {
            #expect(find(host, in: cache) == nil)
            remember(host, in: &cache)
        }
        for host in hosts { #expect(find(host, in: cache)?.host == Array(host.utf8)) }
        for other in ["", "b", "acme.e", "acme.example.con", "acme.example.comm", "Acme.example.com"] {
            #expect(find(other, in: cache) == nil, "\(other)")
        }
    }

    @Test("Of a directory's hosts nearly all stay, however many were asked for before")
    func staying() {
        for (directory, seed) in [(1_000, 1), (100_000, 2), (120_000, 3)] as [(Int, UInt64)] {
            var cache = HostCache(seed: seed)
            cache.begin(hosts: directory)
            for number in 0..<(3 * directory) { remember("old\(number).example.com", in: &cache) }
            cache.begin(hosts: directory)
            for number in 0..<directory { remember("t\(number).example.com", in: &cache) }
            let found = (0..<directory).count { find("t\($0).example.com", in: cache) != nil }
            #expect(found > directory - directory / 50, "\(directory)")
        }
    }

    @Test("A new generation believes nothing of the one before")
    func generations() {
        var cache = HostCache(seed: 7)
        remember("acme.example.com", in: &cache)
        cache.begin(hosts: 1)
        #expect(find("acme.example.com", in: cache) == nil)
        remember("acme.example.com", in: &cache)
        #expect(find("acme.example.com", in: cache)?.generation == cache.generation)
    }

    @Test("More hosts than fit push each other out and are never mixed up")
    func crowding() {
        var cache = HostCache(seed: 7)
        for number in 0..<50_000 {
            remember("h\(number).example.com", in: &cache)
            #expect(find("h\(number).example.com", in: cache)?.host == Array("h\(number).example.com".utf8))
        }
        for number in 0..<50_000 {
            let host = "h\(number).example.com"
            if let found = find(host, in: cache), found.host != Array(host.utf8) { Issue.record("\(host)") }
        }
    }
}
