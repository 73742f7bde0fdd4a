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

    private func held(_ change: (inout Asked) -> Void = { _ in }) throws -> HeldAdmission {
        let asked = Asked(try fixture.token()) {
            $0.isUpgrade = true
            change(&$0)
        }
        return try #require(bench.held(asked))
    }

    private mutating func serve(_ change: (inout TenantRow) -> Void) throws {
        try bench.serve(Bench.row(fixture, change))
    }

    @Test("It goes on while nothing changes, and ends with the token, to the nanosecond")
    func expiry() throws {
        let held = try held()
        #expect(bench.review(held) == "open")
        #expect(bench.review(held, at: Instant(nanoseconds: Self.expiry.nanoseconds - 1)) == "open")
        #expect(bench.review(held, at: Self.expiry) == "expired")
    }

    @Test(
        "A bound for the token's age ends it, also one that was set since, also one that may outlive its token"
    )
    mutating func age() throws {
        for policy in ["close", "outlive"] {
            try serve { $0.atExpiry = policy }
            let held = try held()
            try serve {
                $0.atExpiry = policy
                $0.maxTokenAge = 60
            }
            let limit = PoolFixture.now.advanced(bySeconds: 60)
            #expect(bench.review(held, at: Instant(nanoseconds: limit.nanoseconds - 1)) == "open")
            #expect(bench.review(held, at: limit) == "too_old")
        }
    }

    @Test("A grace lets it go on for a while, 'outlive' for ever; the grace is that of the row as it is now")
    mutating func grace() throws {
        let held = try held()
        try serve { $0.expiryGrace = 60 }
        #expect(bench.review(held, at: Self.expiry.advanced(bySeconds: 59)) == "open")
        #expect(bench.review(held, at: Self.expiry.advanced(bySeconds: 60)) == "expired")
        try serve { $0.atExpiry = "outlive" }
        let other = try self.held()
        #expect(bench.review(other, at: Self.expiry.advanced(bySeconds: 1_000_000)) == "open")
    }

    @Test("No change takes a clock away from one that has it, and one gives a clock to one that has none")
    mutating func clock() throws {
        try serve { $0.expiryGrace = 60 }
        let held = try held()
        let end = Self.expiry.advanced(bySeconds: 60)
        let changes: [(inout TenantRow) -> Void] = [
            { $0.atExpiry = "outlive" },
            {
                $0.atExpiry = "outlive"
                $0.maxTokenAge = 1_000_000
            },
            {
                $0.atExpiry = "outlive"
                $0.rules = #"[{"id":1,"path_prefix":"/","access":"public"}]"#
            },
        ]
        for change in changes {
            try serve(change)
            #expect(bench.review(held, at: Instant(nanoseconds: end.nanoseconds - 1)) == "open")
            #expect(bench.review(held, at: end) == "expired")
        }
        try serve { $0.atExpiry = "outlive" }
        let outliving = try self.held()
        #expect(bench.review(outliving, at: end) == "open")
        try serve { _ in }
        #expect(bench.review(outliving, at: Self.expiry) == "expired")
    }

    @Test("A row that carries no WebSocket any longer ends it, whoever opened it")
    mutating func off() throws {
        try serve { $0.rules = #"[{"id":1,"path_prefix":"/open","access":"public"}]"# }
        for held in [try held(), try held { $0.path = "/open" }] {
            #expect(bench.review(held) == "open")
            try serve {
                $0.websockets = false
                $0.rules = #"[{"id":1,"path_prefix":"/open","access":"public"}]"#
            }
            #expect(bench.review(held) == "websockets_off")
            try serve { $0.rules = #"[{"id":1,"path_prefix":"/open","access":"public"}]"# }
        }
    }

    @Test("A call goes on in a row that carries no WebSocket, and ends with its token and grace")
    mutating func calls() throws {
        let call = try held { $0.isUpgrade = false }
        try serve {
            $0.websockets = false
            $0.expiryGrace = 60
        }
        #expect(bench.review(call, at: Self.expiry.advanced(bySeconds: 59)) == "open")
        #expect(bench.review(call, at: Self.expiry.advanced(bySeconds: 60)) == "expired")
        try serve { $0.atExpiry = "outlive" }
        let outliving = try held { $0.isUpgrade = false }
        #expect(bench.review(outliving, at: Self.expiry.advanced(bySeconds: 1_000_000)) == "open")
    }

    @Test("It ends with its row: suspended, gone or refused")
    mutating func rows() throws {
        let held = try held()
        try serve { $0.status = "suspended" }
        #expect(bench.review(held) == "tenant_suspended")
        let pattern = try #require(HostPattern("acme.example.com"))
        bench.judge.snapshot.directory?[pattern] = .misconfigured(RowFlaw("no"))
        #expect(bench.review(held) == "tenant_misconfigured")
        bench.judge.snapshot.directory?[pattern] = nil
        #expect(bench.review(held) == "unknown_host")
    }

    @Test(
        "What let it in is looked for again: client, kind of token, groups, scopes, pool, cookie, origin, key"
    )
    mutating func changes() throws {
        let held = try held()
        let changes: [(String, (inout TenantRow) -> Void)] = [
            ("open", { $0.upstream = "http://elsewhere" }), ("open", { $0.clientIDs = ["x", "client1"] }),
            ("wrong_client", { $0.clientIDs = ["x"] }), ("wrong_token_use", { $0.tokenUses = ["id"] }),
            ("open", { $0.requiredGroups = ["staff", "x"] }),
            ("missing_group", { $0.requiredGroups = ["x"] }),
            ("missing_scope", { $0.requiredScopes = ["x"] }),
            ("wrong_issuer", { $0.poolID = "eu-west-1_other" }),
            (
                "open",
                {
                    $0.poolID = "eu-west-1_other"
                    $0.secondRegion = "eu-west-1"
                    $0.secondPoolID = "eu-west-1_abc"
                }
            ),
        ]
        for (expected, change) in changes {
            try serve(change)
            #expect(bench.review(held) == expected)
        }
        try serve { _ in }
        bench.judge.snapshot.setKeys(nil, of: fixture.pool)
        #expect(bench.review(held) == "open")
        bench.judge.snapshot.setKeys(try fixture.keys(["k2"]), of: fixture.pool)
        #expect(bench.review(held) == "unknown_key")
        bench.judge.snapshot.setKeys(try fixture.keys(["k2", "k1"]), of: fixture.pool)
        #expect(bench.review(held) == "open")
    }

    @Test("One that was let in by a cookie ends with the cookie's column, and with its page's origin")
    mutating func cookies() throws {
        let token = String(decoding: try fixture.token(), as: UTF8.self)
        let open: (inout TenantRow) -> Void = {
            $0.cookieName = "jwt"
            $0.corsOrigins = ["https://app.test"]
        }
        try serve(open)
        let asked = Asked(nil) {
            $0.cookies = ["a=b; jwt=\(token)"]
            $0.origin = "https://app.test"
            $0.isUpgrade = true
        }
        let held = try #require(bench.held(asked))
        #expect(bench.review(held) == "open")
        try serve { $0.cookieName = "jwt" }
        #expect(bench.review(held) == "cross_site")
        try serve { $0.corsOrigins = ["https://app.test"] }
        #expect(bench.review(held) == "missing_token")
        try serve {
            $0.cookieName = "a"
            $0.corsOrigins = ["https://app.test"]
        }
        #expect(bench.review(held) == "malformed_token")
        try serve(open)
        #expect(bench.review(held) == "open")
    }

    @Test(
        "A rule that asks for a token ends one that came without, or with a bad one, and keeps one with a good one"
    )
    mutating func publicBefore() throws {
        let rule = #"[{"id":1,"path_prefix":"/","access":"public"}]"#
        try serve { $0.rules = rule }
        let anonymous = try #require(bench.held(Asked { $0.isUpgrade = true }))
        let bad = try #require(
            bench.held(Asked(try fixture.token(nil, ["exp": "1"])) { $0.isUpgrade = true }))
        let good = try held()
        for held in [anonymous, bad, good] { #expect(bench.review(held) == "open") }
        try serve { _ in }
        #expect(bench.review(anonymous) == "missing_token")
        #expect(bench.review(bad) == "expired")
        #expect(bench.review(good) == "open")
        #expect(bench.review(good, at: Self.expiry) == "expired")
    }

    @Test("It waits for its turn where a token that nobody looked at has to be verified")
    mutating func allowance() throws {
        try serve { $0.rules = #"[{"id":1,"path_prefix":"/","access":"public"}]"# }
        let forged = try fixture.forged()
        let held = try #require(bench.held(Asked(try forged.token()) { $0.isUpgrade = true }))
        bench.countsAllowance = true
        bench.judge.allowance = 0
        try serve { _ in }
        #expect(bench.review(held) == "open")
        bench.judge.allowance = 1
        #expect(bench.review(held) == "bad_signature")
    }

    @Test("A directory too old to be believed keeps nothing open")
    func stale() throws {
        let held = try held()
        bench.judge.snapshot.staleAfter = PoolFixture.now.advanced(bySeconds: 10)
        #expect(bench.review(held, at: PoolFixture.now.advanced(bySeconds: 10)) == "open")
        #expect(bench.review(held, at: PoolFixture.now.advanced(bySeconds: 11)) == "stale")
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
        #expect(bench.judge(try fixture.token(), lookup: .present) == "admit")
        #expect(bench.judge.allowance == 0)
    }
}
