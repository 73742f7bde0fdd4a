import Testing

@testable import Gatekeeper

/// Admissions that outlive their request.
@Suite struct HeldAdmissionTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    private static let expiry = Instant(seconds: 1_700_003_600)

    private func held() throws -> HeldAdmission {
        try #require(bench.held(try fixture.token()))
    }

    private func flaw(_ held: HeldAdmission, at now: Instant = PoolFixture.now) -> String? {
        held.flaw(in: bench.judge.snapshot, at: now).map { Answer($0).code }
    }

    @Test("It goes on while nothing changes, and ends with the token, to the nanosecond")
    func expiry() throws {
        let held = try held()
        #expect(flaw(held) == nil)
        #expect(flaw(held, at: Instant(nanoseconds: Self.expiry.nanoseconds - 1)) == nil)
        #expect(flaw(held, at: Self.expiry) == "expired")
    }

    @Test("A bound for the token's age ends it, also one that was set since")
    mutating func age() throws {
        let held = try held()
        try bench.serve(Bench.row(fixture) { $0.maxTokenAge = 60 })
        let limit = PoolFixture.now.advanced(bySeconds: 60)
        #expect(flaw(held, at: Instant(nanoseconds: limit.nanoseconds - 1)) == nil)
        #expect(flaw(held, at: limit) == "expired")
    }

    @Test("Rules as they are now decide whether it may go on")
    mutating func rules() throws {
        let held = try held()
        for (rule, expected) in [
            (#""access":"authenticated","required_groups":["staff"]"#, nil), (#""access":"public""#, nil),
            (#""access":"authenticated","required_groups":["admins"]"#, "missing_group"),
            (#""access":"authenticated","required_scopes":["none"]"#, "missing_scope"),
        ] as [(String, String?)] {
            try bench.serve(Bench.row(fixture) { $0.rules = "[{\"id\":1,\"path_prefix\":\"/\",\(rule)}]" })
            #expect(flaw(held) == expected)
        }
    }

    @Test("A grace lets it go on for a while, 'outlive' for ever; the row as it is now decides")
    mutating func grace() throws {
        let held = try held()
        try bench.serve(Bench.row(fixture) { $0.websocketGrace = 60 })
        #expect(flaw(held, at: Self.expiry.advanced(bySeconds: 59)) == nil)
        #expect(flaw(held, at: Self.expiry.advanced(bySeconds: 60)) == "expired")
        try bench.serve(Bench.row(fixture) { $0.websockets = "outlive" })
        #expect(flaw(held, at: Self.expiry.advanced(bySeconds: 1_000_000)) == nil)
    }

    @Test("It ends with its row: suspended, gone or refused")
    mutating func rows() throws {
        let held = try held()
        try bench.serve(Bench.row(fixture) { $0.status = "suspended" })
        #expect(flaw(held) == "tenant_suspended")
        let pattern = try #require(HostPattern("acme.example.com"))
        bench.judge.snapshot.directory?[pattern] = .misconfigured(RowFlaw("no"))
        #expect(flaw(held) == "tenant_misconfigured")
        bench.judge.snapshot.directory?[pattern] = nil
        #expect(flaw(held) == "unknown_host")
    }

    @Test("A changed row ends it only where it would not let the caller in any more")
    mutating func changes() throws {
        let held = try held()
        try bench.serve(Bench.row(fixture) { $0.upstream = "http://elsewhere" })
        #expect(flaw(held) == nil)
        try bench.serve(Bench.row(fixture) { $0.requiredGroups = ["staff", "x"] })
        #expect(flaw(held) == nil)
        try bench.serve(Bench.row(fixture) { $0.requiredGroups = ["x"] })
        #expect(flaw(held) == "missing_group")
        try bench.serve(Bench.row(fixture) { $0.requiredScopes = ["x"] })
        #expect(flaw(held) == "missing_scope")
        try bench.serve(Bench.row(try PoolFixture("eu-west-1_other")))
        #expect(flaw(held) == "wrong_issuer")
    }
}

@Suite struct AllowanceTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        bench.countsAllowance = true
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    @Test(
        "Tokens that are not remembered use the allowance up; remembered ones, and requests without, need none"
    )
    func usedUp() throws {
        let (first, second, third) = (
            try fixture.token(), try fixture.token(nil, ["jti": "\"2\""]),
            try fixture.token(nil, ["jti": "\"3\""])
        )
        bench.judge.allowance = 2
        #expect(bench.judge(first) == "admit")
        #expect(bench.judge(second) == "admit")
        #expect(bench.judge.allowance == 0)
        #expect(bench.judge(third) == "mustWait")
        #expect(bench.judge(first) == "admit")
        #expect(bench.judge(nil) == "missing_token")
        #expect(bench.judge(Array("x".utf8)) == "mustWait")
        bench.judge.allowance = 1
        #expect(bench.judge(third) == "admit")
    }

    @Test("A request that waited for its key is judged without waiting again")
    func answered() throws {
        bench.judge.allowance = 0
        #expect(bench.judge(try fixture.token(), answer: .present) == "admit")
        #expect(bench.judge.allowance == 0)
    }
}
