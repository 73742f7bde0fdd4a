import JOSE
import Testing

@testable import Gatekeeper

@Suite struct RevocationTests {
    let fixture: PoolFixture
    var bench = Bench()
    let token: [UInt8]

    init() throws {
        fixture = try PoolFixture()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        try bench.serve(Bench.row(fixture))
        token = try fixture.token(nil, ["origin_jti": "\"o\""])
    }

    /// Seconds of the fixture's tokens' `iat`, and of its now.
    private static let issued: Int64 = 1_700_000_000

    static func entry(
        _ kind: String, _ value: String, pool: String = "eu-west-1_abc", id: Int64 = 1,
        issuedBefore: Int64 = issued + 1, expires: Int64 = issued + 100
    ) throws -> Revocations.Entry {
        let name = "\(kind)\n\(pool.prefix { $0 != "_" })\n\(pool)\n\(value)"
        let digest = try #require(Array(name.utf8).withUnsafeBytes { TokenDigester().digest(of: $0) })
        return Revocations.Entry(
            digest: Revocations.Digest(half: digest), id: id, issuedBefore: issuedBefore, expires: expires)
    }

    private func apply(
        _ entries: [Revocations.Entry] = [], lifted: [Revocations.Entry] = [],
        at now: Instant = PoolFixture.now
    ) {
        var change = Revocations.Change()
        change.entries = entries.map { (fixture.pool, $0) }
        change.lifted = lifted.map { ($0.id, $0.digest) }
        let before = bench.judge.snapshot.directory?.revocations ?? Revocations()
        bench.judge.snapshot.directory?.revocations = before.applying(change, at: now)
    }

    @Test(
        "Each kind of entry meets the token that it names, remembered or not, and no other",
        arguments: [
            ("s", "sub-1", "revoked"), ("s", "sub-2", "admit"), ("s", "j", "admit"), ("o", "o", "revoked"),
            ("o", "j", "admit"), ("j", "j", "revoked"), ("j", "o", "admit"), ("c", "client1", "revoked"),
            ("c", "client", "admit"), ("p", "", "revoked"),
        ])
    func kinds(kind: String, value: String, expected: String) throws {
        #expect(bench.judge(token) == "admit")
        apply([try Self.entry(kind, value)])
        #expect(bench.judge(token) == expected)
        #expect(bench.judge(token) == expected)
        bench.judge.snapshot.setKeys(nil, of: fixture.pool)
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        #expect(bench.judge(try fixture.token(nil, ["origin_jti": "\"o\"", "email": "\"x\""])) == expected)
    }

    @Test(
        "Only tokens issued before the instant fall under an entry, to the second; one that does not say falls"
    )
    func instant() throws {
        apply([try Self.entry("s", "sub-1", issuedBefore: Self.issued)])
        #expect(bench.judge(token) == "admit")
        #expect(bench.judge(try fixture.token(nil, ["iat": "\(Self.issued - 1)"])) == "revoked")
        #expect(bench.judge(try fixture.token(nil, ["iat": "\(Self.issued - 1).999"])) == "revoked")
        #expect(bench.judge(try fixture.token(nil, ["iat": nil])) == "revoked")
        apply([try Self.entry("s", "sub-1", issuedBefore: Self.issued + 1)])
        #expect(bench.judge(token) == "revoked")
    }

    @Test("An entry for every iat stands against each")
    func everyIssue() throws {
        apply([try Self.entry("j", "j", issuedBefore: .max)])
        #expect(bench.judge(try fixture.token(nil, ["iat": "\(Self.issued + 29)"])) == "revoked")
    }

    @Test("An entry ends by itself, at its second")
    func expiry() throws {
        apply([try Self.entry("s", "sub-1", expires: Self.issued + 10)])
        #expect(
            bench.judge(token, at: Instant(nanoseconds: Instant(seconds: Self.issued + 10).nanoseconds - 1))
                == "revoked")
        #expect(bench.judge(token, at: Instant(seconds: Self.issued + 10)) == "admit")
    }

    @Test("An entry that is lifted stands no more; one that is changed counts as it is now")
    func lifted() throws {
        let entry = try Self.entry("s", "sub-1")
        apply([entry])
        #expect(bench.judge(token) == "revoked")
        apply([try Self.entry("s", "sub-1", issuedBefore: Self.issued)])
        #expect(bench.judge(token) == "admit")
        apply([entry])
        #expect(bench.judge(token) == "revoked")
        apply(lifted: [entry])
        #expect(bench.judge(token) == "admit")
        #expect(bench.judge.snapshot.directory?.revocations.count == 0)
    }

    @Test("Another pool's entry of the same user stands against nobody here")
    func otherPool() throws {
        apply([try Self.entry("s", "sub-1", pool: "eu-west-1_other")])
        #expect(bench.judge(token) == "admit")
    }

    @Test("What is read anew replaces what was there; the same again changes nothing")
    func replaced() throws {
        let entries = [try Self.entry("s", "sub-1"), try Self.entry("s", "sub-2", id: 2)]
        let first = Revocations().replacing(with: entries, of: [fixture.pool])
        bench.judge.snapshot.directory?.revocations = first
        #expect(bench.judge(token) == "revoked")
        #expect(first.replacing(with: entries.reversed(), of: [fixture.pool]) === first)
        bench.judge.snapshot.directory?.revocations = first.replacing(with: [entries[1]], of: [fixture.pool])
        #expect(bench.judge(token) == "admit")
        bench.judge.snapshot.directory?.revocations = first.replacing(with: [], of: [])
        #expect(bench.judge(token) == "admit")
    }

    @Test("However entries come, change and go, asking finds what a plain list would")
    func model() throws {
        var generator = SystemRandomNumberGenerator()
        let ids = (1...40).map { Int64($0) }
        var model: [Int64: Revocations.Entry] = [:]
        var revocations = Revocations()
        for round in 0..<300 {
            var change = Revocations.Change()
            for id in ids.shuffled(using: &generator).prefix(.random(in: 0...20)) {
                if let old = model[id], Bool.random(using: &generator) {
                    change.lifted.append((id, old.digest))
                    model[id] = nil
                } else {
                    let value = model[id] == nil ? "sub-\(id % 7)" : nil
                    let entry = try Self.entry(
                        "s", value ?? "sub-\(id % 7)", id: id, issuedBefore: Self.issued + .random(in: 0...1))
                    model[id] = entry
                    change.entries.append((fixture.pool, entry))
                }
            }
            revocations =
                round % 50 == 49
                ? revocations.replacing(with: Array(model.values), of: [fixture.pool])
                : revocations.applying(change, at: PoolFixture.now)
            #expect(revocations.count == model.count)
            #expect(Set(revocations.entries) == Set(model.values))
        }
    }

    @Test("Changes merge into the long list, without what has expired by then")
    func merging() throws {
        let base = (0..<200_000).map { number in
            Revocations.Entry(
                digest: Revocations.Digest(high: UInt64(number) << 32, low: 0), id: Int64(number),
                issuedBefore: .max, expires: number < 10 ? Self.issued : Self.issued + 100)
        }
        var revocations = Revocations().replacing(with: base, of: [fixture.pool])
        var lastID = Int64(base.count)
        for _ in 0..<20 {
            var change = Revocations.Change()
            for _ in 0..<1_000 {
                lastID += 1
                let digest = Revocations.Digest(high: .random(in: 0 ... .max), low: 0)
                change.entries.append(
                    (
                        fixture.pool,
                        Revocations.Entry(digest: digest, id: lastID, issuedBefore: 1, expires: .max)
                    ))
            }
            revocations = revocations.applying(change, at: PoolFixture.now)
        }
        #expect(revocations.count == 220_000 - 10)
        let digests = revocations.replacing(with: revocations.entries, of: [fixture.pool]).entries.map(
            \.digest)
        #expect(zip(digests, digests.dropFirst()).allSatisfy { !($1 < $0) })
    }

    @Test("A connection that stands is ended by an entry against its token")
    func held() throws {
        let held = try #require(bench.held(Asked(token)))
        #expect(bench.review(held) == "open")
        apply([try Self.entry("s", "sub-2")])
        #expect(bench.review(held) == "open")
        apply([try Self.entry("s", "sub-1", id: 2)])
        #expect(bench.review(held) == "revoked")
    }

    @Test("An entry takes 32 bytes")
    func size() { #expect(MemoryLayout<Revocations.Entry>.stride == 32) }
}
