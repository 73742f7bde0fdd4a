import TestSupport
import Testing

@testable import Gatekeeper

/// Tokens that stand elsewhere than in `Authorization`, and how old they may be.
@Suite struct TokenSourceTests {
    let fixture: PoolFixture
    var bench = Bench()
    let token: String

    init() throws {
        fixture = try PoolFixture()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        token = String(decoding: try fixture.token(), as: UTF8.self)
        try serve {
            $0.cookieName = "jwt"
            $0.queryParameter = "access_token"
            $0.corsOrigins = ["https://app.test"]
        }
    }

    private mutating func serve(_ change: (inout TenantRow) -> Void) throws {
        try bench.serve(Bench.row(fixture, change))
    }

    private func judge(_ change: (inout Asked) -> Void) -> String { bench.judge(Asked(nil, change)) }

    @Test("A cookie's token is found among others, quoted or not, in one field or several")
    func cookie() {
        for cookies in [
            ["jwt=\(token)"], ["a=b; jwt=\(token); c=d"], ["a=b", "jwt=\"\(token)\""], ["a=b;jwt=\(token)"],
            ["jwtx=1; xjwt=2; jwt=\(token)"],
        ] {
            #expect(judge { $0.cookies = cookies } == "admit", "\(cookies)")
        }
        for cookies in [["JWT=\(token)"], ["jwtx=\(token)"], ["a=jwt=\(token)"], []] {
            #expect(judge { $0.cookies = cookies } == "missing_token", "\(cookies)")
        }
        #expect(judge { $0.cookies = ["jwt=x"] } == "malformed_token")
    }

    @Test("A query parameter's token is found among others, however its name is encoded")
    func query() {
        for query in ["?access_token=\(token)", "?a=b&access_token=\(token)&c", "?access%5Ftoken=\(token)"] {
            #expect(judge { $0.query = query } == "admit", "\(query)")
        }
        for query in ["?Access_token=\(token)", "?access_tokens=\(token)", "?a=\(token)", "?", ""] {
            #expect(judge { $0.query = query } == "missing_token", "\(query)")
        }
    }

    /// What stands in one place: values in order, and what they come to there.
    private enum Found: Equatable {
        case nothing, several
        case one(String)
    }

    private static func found(_ values: [String]) -> Found {
        let distinct = Set(values.filter { !$0.isEmpty })
        return distinct.count > 1 ? .several : distinct.first.map { .one($0) } ?? .nothing
    }

    @Test(
        "What was written on purpose wins over what a browser sends by itself; an empty value is none, the same one twice is one, and two in one place are one too many"
    )
    func precedence() throws {
        let other = String(decoding: try fixture.token(nil, ["jti": "\"2\""]), as: UTF8.self)
        let places: [[String]] = [
            [], [""], [token], ["x"], [token, token], ["", token], [token, other], [token, "x"],
            ["x", "", "x"],
        ]
        let authorizations: [(String?, Found)] = [
            (nil, .nothing), ("Bearer", .nothing), ("bearer ", .nothing), ("Bearer    ", .nothing),
            ("Basic YTpi", .nothing), ("Bearer \(token)", .one(token)), ("Bearer x", .one("x")),
        ]
        for (authorization, said) in authorizations {
            for parameters in places {
                for cookies in places {
                    let order = [said, Self.found(parameters), Self.found(cookies)]
                    let expected =
                        switch order.first(where: { $0 != .nothing }) ?? .nothing {
                        case .nothing: "missing_token"
                        case .several: "multiple_credentials"
                        case .one("x"): "malformed_token"
                        case .one: "admit"
                        }
                    let verdict = judge {
                        $0.authorization = authorization
                        $0.query = "?" + parameters.map { "access_token=\($0)" }.joined(separator: "&")
                        $0.cookies =
                            cookies.isEmpty ? [] : [cookies.map { "jwt=\($0)" }.joined(separator: "; ")]
                    }
                    #expect(verdict == expected, "\(authorization ?? "") \(parameters) \(cookies)")
                }
            }
        }
        // Quotes around a cookie's value are no part of it.
        #expect(judge { $0.cookies = ["jwt=\"\"", "jwt=\(token); jwt=\"\(token)\""] } == "admit")
    }

    @Test("Both are off unless the row names them")
    mutating func off() throws {
        try serve { _ in }
        #expect(judge { $0.cookies = ["jwt=\(token)"] } == "missing_token")
        #expect(judge { $0.query = "?access_token=\(token)" } == "missing_token")
        #expect(
            judge {
                $0.token = Array(token.utf8)
                $0.query = "?access_token=\(token)"
            } == "admit")
    }

    @Test(
        "A cookie's token is good for what changes something only from a page of the host itself or of a listed origin",
        arguments: [
            (nil, nil, "cross_site"), ("https://acme.example.com", nil, "admit"),
            ("https://acme.example.com:443", nil, "admit"), ("http://acme.example.com:80", nil, "admit"),
            ("https://acme.example.com:80", nil, "cross_site"), ("https://app.test:443", nil, "admit"),
            ("https://APP.test", nil, "cross_site"), ("http://app.test", nil, "cross_site"),
            ("http://app.test:443", nil, "cross_site"), ("https://app.test/", nil, "cross_site"),
            ("https://ACME.example.com", nil, "admit"), ("http://acme.example.com", nil, "admit"),
            ("https://app.test", nil, "admit"), ("https://app.test", "cross-site", "admit"),
            ("https://evil.test", nil, "cross_site"),
            ("https://acme.example.com.evil.test", nil, "cross_site"),
            ("https://acme.example.com:8443", nil, "cross_site"), ("null", nil, "cross_site"),
            ("", nil, "cross_site"),
            (nil, "same-origin", "admit"), (nil, "same-site", "cross_site"),
            (nil, "cross-site", "cross_site"),
            (nil, "none", "cross_site"), (nil, "", "cross_site"),
            ("https://evil.test", "same-origin", "cross_site"),
            ("https://acme.example.com", "cross-site", "cross_site"),
        ] as [(String?, String?, String)])
    func crossSite(origin: String?, site: String?, expected: String) {
        for method in ["POST", "PUT", "DELETE", "PATCH", "get", "PURGE", "QUERY"] {
            let verdict = judge {
                $0.cookies = ["jwt=\(token)"]
                $0.method = method
                $0.origin = origin
                $0.fetchSite = site
            }
            #expect(verdict == expected, "\(method)")
        }
        let upgrade = judge {
            $0.cookies = ["jwt=\(token)"]
            $0.isUpgrade = true
            $0.origin = origin
            $0.fetchSite = site
        }
        #expect(upgrade == expected)
        for method in ["GET", "HEAD", "OPTIONS"] {
            let verdict = judge {
                $0.cookies = ["jwt=\(token)"]
                $0.method = method
                $0.origin = origin
                $0.fetchSite = site
            }
            #expect(verdict == "admit")
        }
    }

    @Test(
        "A page's origin is the host's where scheme, host and port are, a scheme's own port being none wherever it is written",
        arguments: ["https", "http"])
    func ownOrigin(scheme: String) {
        let own = scheme == "https" ? 443 : 80
        let ports: [(text: String, number: Int)] = [
            ("", own), (":443", 443), (":80", 80), (":8443", 8443), (":", own),
        ]
        for host in ports {
            for page in ports {
                let verdict = judge {
                    $0.cookies = ["jwt=\(token)"]
                    $0.method = "POST"
                    $0.authority = "acme.example.com\(host.text)"
                    $0.origin = "\(scheme)://acme.example.com\(page.text)"
                }
                #expect(
                    verdict == (host.number == page.number ? "admit" : "cross_site"),
                    "\(host.text) \(page.text)")
            }
        }
    }

    @Test("The row's origins are compared as browsers mean them, however an older row spells them")
    mutating func rowsOrigins() throws {
        try serve {
            $0.cookieName = "jwt"
            $0.corsOrigins = ["https://one.test:443", "http://two.test:80", "https://three.test:8443"]
        }
        for (origin, expected) in [
            ("https://one.test", "admit"), ("https://one.test:443", "admit"),
            ("http://one.test", "cross_site"),
            ("http://two.test", "admit"), ("https://two.test", "cross_site"),
            ("https://three.test:8443", "admit"), ("https://three.test", "cross_site"),
        ] {
            let verdict = judge {
                $0.cookies = ["jwt=\(token)"]
                $0.method = "POST"
                $0.origin = origin
            }
            #expect(verdict == expected, "\(origin)")
        }
    }

    @Test("A token from elsewhere than a cookie needs no page")
    func noCookie() {
        #expect(
            judge {
                $0.token = Array(token.utf8)
                $0.method = "POST"
                $0.origin = "https://evil.test"
            } == "admit")
        #expect(
            judge {
                $0.query = "?access_token=\(token)"
                $0.isUpgrade = true
            } == "admit")
    }

    @Test("A token is good up to the row's age for it, to the nanosecond, cold and remembered")
    mutating func age() throws {
        try serve { $0.maxTokenAge = 60 }
        let bytes = try fixture.token()
        let limit = PoolFixture.now.advanced(bySeconds: 60)
        #expect(bench.judge(bytes, at: limit) == "too_old")
        for _ in 0..<2 {
            #expect(bench.judge(bytes, at: Instant(nanoseconds: limit.nanoseconds - 1)) == "admit")
        }
        #expect(bench.judge(bytes, at: limit) == "too_old")
        #expect(bench.judge(try fixture.token(nil, ["iat": nil])) == "too_old")
    }

    @Test("A second pool's tokens are accepted, each by its issuer, and its users' names carry the pool")
    mutating func secondPool() throws {
        let staff = try PoolFixture("us-east-1_Staff", key: PoolFixture.otherSigning)
        try serve {
            $0.secondRegion = "us-east-1"
            $0.secondPoolID = "us-east-1_Staff"
        }
        #expect(bench.judge(try staff.token()) == "needsKey")
        bench.judge.snapshot.setKeys(try staff.keys(), of: staff.pool)
        #expect(bench.judge(try fixture.token()) == "admit")
        let lines = bench.lines(try staff.token())
        #expect(lines.contains("X-Forwarded-User: us-east-1_Staff:alice"))
        #expect(lines.contains("X-Poolgate-Pool: us-east-1_Staff"))
        #expect(bench.lines(try fixture.token()).contains("X-Forwarded-User: alice"))
        let forged = try fixture.token(nil, ["username": #""us-east-1_Staff:alice""#])
        #expect(bench.lines(forged).contains("X-Forwarded-User: us-east-1_Staff%3Aalice"))
        // One pool's key does not vouch for the other's issuer.
        let issuer = try #require(staff.accessClaims["iss"])
        #expect(bench.judge(try fixture.token(nil, ["iss": issuer])) == "bad_signature")
    }
}

/// Names by which services tell users from each other.
@Suite struct UserNameTests {
    let fixture: PoolFixture
    let staff: PoolFixture
    var bench = Bench()
    var random = SeededGenerator(seed: 3)

    init() throws {
        fixture = try PoolFixture()
        staff = try PoolFixture("us-east-1_Staff", key: PoolFixture.otherSigning)
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        bench.judge.snapshot.setKeys(try staff.keys(), of: staff.pool)
    }

    @Test("No two users of a row's two pools share a name, in any profile, whatever they are called")
    mutating func injective() throws {
        let pieces = [
            ":", "%", "%3A", "%253A", "us-east-1_Staff", "eu-west-1_abc", "alice", " ", "é", ",", "\u{0}",
            "A", "a",
        ]
        for (profile, header) in [("poolgate", "X-Forwarded-User"), ("authelia", "Remote-User")] {
            try bench.serve(
                Bench.row(fixture) {
                    $0.secondRegion = "us-east-1"
                    $0.secondPoolID = "us-east-1_Staff"
                    $0.headerProfile = profile
                })
            var users: [String: String] = [:]
            for _ in 0..<120 {
                let name = (0...Int(random.next() % 4)).map { _ in
                    pieces[Int(random.next() % UInt64(pieces.count))]
                }.joined()
                let escaped = name.replacing("\u{0}", with: "\\u0000")
                for pool in [fixture, staff] {
                    let token = try pool.token(nil, ["username": "\"\(escaped)\""])
                    let line = try #require(
                        bench.lines(token).first { $0.hasPrefix(header + ": ") }, "\(name)")
                    let user = "\(pool.pool) \(name)"
                    #expect(users[line] == nil || users[line] == user, "\(line)")
                    users[line] = user
                }
            }
        }
    }

    @Test("Where a row has one pool, a colon stays a colon")
    mutating func onePool() throws {
        try bench.serve(Bench.row(fixture))
        let token = try fixture.token(nil, ["username": #""a:b""#])
        #expect(bench.lines(token).contains("X-Forwarded-User: a:b"))
    }
}

/// What services are told beyond the gateway's own headers.
@Suite struct ClaimHeaderTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    private mutating func lines(_ map: String, _ claims: [String: String?]) throws -> [String] {
        try bench.serve(Bench.row(fixture) { $0.claimHeaders = map })
        return bench.lines(try fixture.token(nil, claims)).filter { $0.hasPrefix("X-A: ") }
    }

    @Test(
        "Claims of every JSON type, nested ones and lists become one header, or none",
        arguments: [
            (#"{"X-A":"custom:plan"}"#, #""pro""#, ["X-A: pro"]),
            (#"{"X-A":"custom:plan"}"#, "5", ["X-A: 5"]),
            (#"{"X-A":"custom:plan"}"#, "true", ["X-A: true"]), (#"{"X-A":"custom:plan"}"#, "null", []),
            (#"{"X-A":"custom:plan"}"#, #""""#, []), (#"{"X-A":"custom:plan"}"#, #"{"a":1}"#, []),
            (#"{"X-A":"custom:plan"}"#, #"["a","b,c",3,false,null,{}]"#, ["X-A: a,b%2Cc,3,false"]),
            (
                #"{"X-A":"custom:plan"}"#, #""a\r\nX-Forwarded-User: root""#,
                ["X-A: a%0D%0AX-Forwarded-User: root"]
            ),
            (#"{"X-A":"custom:plan"}"#, #""grüße 100%""#, ["X-A: gr%C3%BC%C3%9Fe 100%25"]),
            (#"{"X-A":"/custom:plan/city"}"#, #"{"city":"Bern"}"#, ["X-A: Bern"]),
            (#"{"X-A":"/custom:plan/a~1b/c~0d"}"#, #"{"a/b":{"c~d":"x"}}"#, ["X-A: x"]),
            (#"{"X-A":"/custom:plan/1/city"}"#, #"[{},{"city":"Bern"}]"#, ["X-A: Bern"]),
            (#"{"X-A":"/custom:plan/1"}"#, #"["a",["b","c"]]"#, ["X-A: b,c"]),
            (#"{"X-A":"/custom:plan/2"}"#, #"["a","b"]"#, []),
            (#"{"X-A":"/custom:plan/01"}"#, #"["a","b"]"#, []),
            (#"{"X-A":"/custom:plan/1"}"#, #"{"1":"x"}"#, ["X-A: x"]),
            (#"{"X-A":"/custom:plan/city"}"#, #""Bern""#, []), (#"{"X-A":"absent"}"#, "1", []),
        ])
    mutating func values(map: String, claim: String, expected: [String]) throws {
        #expect(try lines(map, ["custom:plan": claim]) == expected)
    }

    @Test("Each profile speaks the names of another gateway, besides ours")
    mutating func profiles() throws {
        let expected = [
            "oauth2-proxy": [
                "X-Forwarded-Preferred-Username: alice", "X-Auth-Request-User: sub-1",
                "X-Auth-Request-Preferred-Username: alice", "X-Auth-Request-Email: a@b.c",
                "X-Auth-Request-Groups: staff",
            ],
            "alb": ["X-Amzn-Oidc-Identity: sub-1"],
            "authelia": [
                "Remote-User: alice", "Remote-Groups: staff", "Remote-Email: a@b.c", "Remote-Name: Alice A.",
            ],
            "poolgate": [],
        ]
        let token = try fixture.token(
            nil, ["email": #""a@b.c""#, "email_verified": "true", "name": #""Alice A.""#])
        try bench.serve(Bench.row(fixture))
        let own = bench.lines(token)
        #expect(own.count == 8)
        for (profile, added) in expected {
            try bench.serve(Bench.row(fixture) { $0.headerProfile = profile })
            #expect(bench.lines(token) == own + added, "\(profile)")
        }
    }

    @Test("An unverified address stays away in every profile")
    mutating func unverified() throws {
        for profile in ["oauth2-proxy", "authelia"] {
            try bench.serve(Bench.row(fixture) { $0.headerProfile = profile })
            let lines = bench.lines(try fixture.token(nil, ["email": #""a@b.c""#]))
            #expect(!lines.contains { $0.contains("a@b.c") })
        }
    }

    @Test(
        "A mapping that could forge, or be read in two ways, keeps the tenant from being served",
        arguments: [
            "[]", #"{"X-Forwarded-User":"a"}"#, #"{"x-poolgate-plan":"a"}"#, #"{"X-Auth-Request-User":"a"}"#,
            #"{"X-HTTP-Method":"a"}"#, #"{"Plan":"a"}"#, #"{"X-":"a"}"#, #"{"X-A_B":"a"}"#, #"{"X-A:":"a"}"#,
            #"{"X-A\r\nB":"a"}"#, #"{"X-A":1}"#, #"{"X-A":""}"#, #"{"X-A":"a","x-a":"b"}"#,
            #"{"X-A":"/a~2b"}"#, #"{"X-A":"/a~"}"#, #"{"X-A":"/~/b"}"#, #"{"X-Method-Override":"a"}"#,
        ])
    func flawed(map: String) {
        var parser = bench.parser
        #expect(throws: RowFlaw.self) { try parser.tenant(Bench.row(fixture) { $0.claimHeaders = map }) }
    }
}
