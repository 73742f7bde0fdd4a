import HashTreeCollections
import JOSE
import Testing

@testable import Gatekeeper

@Suite struct WithdrawnKeyTests {
    let fixture: PoolFixture
    var bench = Bench()
    let token: [UInt8]

    init() throws {
        fixture = try PoolFixture()
        try bench.serve(Bench.row(fixture))
        token = try fixture.token()
    }

    private func withdraw(_ kids: [String], of pool: PoolName? = nil, reason: String? = "leaked") {
        var keys = WithdrawnKeys()
        for kid in kids {
            keys.withdraw(
                kid, of: pool ?? fixture.pool,
                WithdrawnKeys.Withdrawal(at: "2025-11-26T06:00:00Z", reason: reason))
        }
        bench.judge.snapshot.directory?.withdrawnKeys = keys
    }

    private func publish(_ kids: [String] = ["k1", "k2"], usableUntil: Instant = .distantFuture) throws {
        bench.judge.snapshot.setKeys(try fixture.keys(kids, usableUntil: usableUntil), of: fixture.pool)
    }

    @Test("A withdrawn key's token is refused at once, remembered or not; the pool's other keys stay good")
    func refused() throws {
        try publish()
        #expect(bench.judge(token) == "admit")
        withdraw(["k1"])
        #expect(bench.judge(token) == "withdrawn_key")
        #expect(bench.judge(try fixture.token(nil, ["email": "\"x\""])) == "withdrawn_key")
        #expect(bench.judge(try fixture.token(keyID: "k2")) == "admit")
        withdraw(["k1", "k2"])
        #expect(bench.judge(try fixture.token(keyID: "k2")) == "withdrawn_key")
    }

    @Test("A later fetch that still lists the key does not bring it back, and lifting does")
    func lifted() throws {
        withdraw(["k1"])
        try publish()
        #expect(bench.judge(token) == "withdrawn_key")
        try publish(["k1"])
        #expect(bench.judge(token) == "withdrawn_key")
        withdraw([])
        #expect(bench.judge(token) == "admit")
    }

    @Test("No pool is asked for a withdrawn key, whether its keys are known, too old or never came")
    func neverAskedFor() throws {
        #expect(bench.judge(token) == "needsKey")
        withdraw(["k1"])
        #expect(bench.judge(token) == "withdrawn_key")
        #expect(bench.judge(token, lookup: .present) == "withdrawn_key")
        try publish(usableUntil: PoolFixture.now)
        #expect(bench.judge(token) == "withdrawn_key")
        #expect(bench.judge(try fixture.token(keyID: "k2")) == "needsKey")
    }

    @Test("A key is withdrawn from its own pool alone")
    func otherPool() throws {
        try publish()
        withdraw(["k1"], of: try PoolFixture("eu-west-1_other").pool)
        #expect(bench.judge(token) == "admit")
        withdraw(["K1", "k11"])
        #expect(bench.judge(token) == "admit")
    }

    @Test("An open WebSocket ends with its token's key, also where the pool's keys cannot be had")
    func held() throws {
        try publish()
        let asked = Asked(token) { $0.isUpgrade = true }
        let first = try #require(bench.held(asked))
        let second = try #require(bench.held(asked))
        #expect(bench.review(first) == "open")
        withdraw(["k1"])
        #expect(bench.review(first) == "withdrawn_key")
        withdraw([])
        bench.judge.snapshot.setKeys(nil, of: fixture.pool)
        #expect(bench.review(second) == "open")
        withdraw(["k1"])
        #expect(bench.review(second) == "withdrawn_key")
    }

    @Test("Who is told why hears that it was by SQL, when and for what reason")
    func explained() throws {
        try publish()
        for (reason, words) in [
            ("leaked", "k1, withdrawn by SQL at 2025-11-26T06:00:00Z: leaked"),
            (nil, "k1, withdrawn by SQL at 2025-11-26T06:00:00Z"),
        ] {
            withdraw(["k1"], reason: reason)
            bench.judge.allowance = .max
            var explanation = Explanation()
            _ = Asked(token).withFacts {
                bench.judge.explain($0, at: PoolFixture.now, into: &explanation)
            }
            #expect(explanation.lines.last?.actual == words)
        }
    }

    @Test(
        "A withdrawal costs other pools nothing: their sets stay the same, and what is remembered with them")
    func others() throws {
        try publish()
        let before = bench.judge.snapshot.keys[fixture.pool]?.generation
        withdraw(["k9"])
        #expect(bench.judge.snapshot.keys[fixture.pool]?.generation == before)
        withdraw(["k1"])
        let without = bench.judge.snapshot.keys[fixture.pool]
        #expect(without?.generation != before && without?.keySet.keys.map(\.keyID.description) == ["k2"])
        withdraw([])
        #expect(bench.judge.snapshot.keys[fixture.pool]?.generation == before)
    }
}
