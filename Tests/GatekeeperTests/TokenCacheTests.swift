import JOSE
import TestSupport
import Testing

@testable import Gatekeeper

@Suite struct TokenCacheTests {
    let fixture: PoolFixture
    let identity: Identity
    private let fingerprinter = TokenFingerprinter()

    init() throws {
        fixture = try PoolFixture()
        var bench = Bench()
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        let tenant = try bench.parser.tenant(Bench.row(fixture))
        let key = try #require(try fixture.keys().keySet.keys.first)
        let bytes = try fixture.token()
        var unheard = Unheard()
        let (token, claims) = try bytes.withUnsafeBytes { try TokenChecks.read($0, &unheard) }
        identity = Identity(
            claims, token: try #require(token.verified(by: key)), tenant: tenant, poolIndex: 0, key: key,
            keyGeneration: 1, revocationGeneration: 0, isAsserted: false)
    }

    private func fingerprint(_ number: Int) throws -> TokenFingerprint {
        let fingerprint = withUnsafeBytes(of: number) { fingerprinter.fingerprint(of: $0) }
        return try #require(fingerprint)
    }

    @Test("What is inserted is found under its tenant and no other")
    func keys() throws {
        var cache = TokenCache(budgetBytes: 1 << 20)
        cache.insert(identity, for: try fingerprint(1), tenantVersion: 7)
        #expect(cache.identity(for: try fingerprint(1), tenantVersion: 7) === identity)
        #expect(cache.identity(for: try fingerprint(1), tenantVersion: 8) == nil)
        #expect(cache.identity(for: try fingerprint(2), tenantVersion: 7) == nil)
        cache.remove(try fingerprint(1), tenantVersion: 7)
        #expect(cache.identity(for: try fingerprint(1), tenantVersion: 7) == nil)
        #expect(cache.usedBytes == 0)
    }

    @Test("The budget holds, and entries in use outlive a scan")
    func scan() throws {
        let room = 100
        var cache = TokenCache(budgetBytes: identity.cost * room)
        for number in 0..<50 { cache.insert(identity, for: try fingerprint(number), tenantVersion: 1) }
        for number in 50..<5000 {
            cache.insert(identity, for: try fingerprint(number), tenantVersion: 1)
            _ = cache.identity(for: try fingerprint(number % 50), tenantVersion: 1)
            #expect(cache.usedBytes <= cache.budgetBytes)
        }
        var alive = 0
        for number in 0..<50 where cache.identity(for: try fingerprint(number), tenantVersion: 1) != nil {
            alive += 1
        }
        #expect(alive >= 45)
        #expect(cache.count <= room)
    }

    @Test("A flood of one tenant's tokens does not push out another's")
    func fairness() throws {
        var cache = TokenCache(budgetBytes: identity.cost * 160)
        for number in 0..<20 { cache.insert(identity, for: try fingerprint(number), tenantVersion: 1) }
        for number in 1000..<20_000 { cache.insert(identity, for: try fingerprint(number), tenantVersion: 2) }
        var alive = 0
        for number in 0..<20 where cache.identity(for: try fingerprint(number), tenantVersion: 1) != nil {
            alive += 1
        }
        #expect(alive >= 18)
    }

    @Test("Others take back what one tenant holds above its share")
    func takingBack() throws {
        var cache = TokenCache(budgetBytes: identity.cost * 160)
        for number in 0..<160 {
            cache.insert(identity, for: try fingerprint(number), tenantVersion: 1)
            _ = cache.identity(for: try fingerprint(number), tenantVersion: 1)
        }
        for number in 1000..<1020 { cache.insert(identity, for: try fingerprint(number), tenantVersion: 2) }
        var alive = 0
        for number in 1000..<1020 where cache.identity(for: try fingerprint(number), tenantVersion: 2) != nil
        {
            alive += 1
        }
        #expect(alive == 20)
    }

    @Test("Random inserts, lookups and removals agree with a dictionary that forgets nothing")
    func model() throws {
        var cache = TokenCache(budgetBytes: 1 << 24)
        var model: Set<Int> = []
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<20_000 {
            let number = Int.random(in: 0..<500, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                cache.insert(identity, for: try fingerprint(number), tenantVersion: 1)
                model.insert(number)
            case 1:
                cache.remove(try fingerprint(number), tenantVersion: 1)
                model.remove(number)
            default:
                #expect(
                    (cache.identity(for: try fingerprint(number), tenantVersion: 1) != nil)
                        == model.contains(number))
            }
            #expect(cache.count == model.count)
        }
    }
}
