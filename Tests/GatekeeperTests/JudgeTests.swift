import JOSE
import Testing

@testable import Gatekeeper

@Suite struct JudgeTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    @Test("An access token and an ID token of the tenant's pool are admitted, cold and warm")
    func accepted() throws {
        let tokens = [try fixture.token(), try fixture.token(fixture.idClaims)]
        for token in tokens + tokens { #expect(bench.judge(token) == "admit") }
    }

    @Test("Before any directory every request is told that the gateway starts")
    func starting() throws {
        bench.judge.snapshot.directory = nil
        #expect(bench.judge(try fixture.token()) == "starting")
    }

    @Test("A directory that is too old refuses as stale, one just fresh enough serves")
    func stale() throws {
        bench.judge.snapshot.staleAfter = PoolFixture.now
        #expect(bench.judge(try fixture.token()) == "admit")
        #expect(
            bench.judge(try fixture.token(), at: Instant(nanoseconds: PoolFixture.now.nanoseconds + 1))
                == "stale")
    }

    @Test("Host, row and credential are checked in this order")
    mutating func order() throws {
        #expect(bench.judge(nil, host: "other.example.com") == "unknown_host")
        try bench.serve(Bench.row(fixture, host: "off.example.com") { $0.status = "suspended" })
        #expect(bench.judge(nil, host: "off.example.com") == "tenant_suspended")
        bench.judge.snapshot.directory?[try #require(HostPattern("bad.example.com"))] = .misconfigured(
            RowFlaw("x"))
        #expect(bench.judge(nil, host: "bad.example.com") == "tenant_misconfigured")
        bench.parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: [])
        try bench.serve(Bench.row(fixture, host: "up.example.com"))
        #expect(bench.judge(nil, host: "up.example.com") == "no_upstream")
        #expect(bench.judge(nil) == "missing_token")
    }

    @Test("A request without a token is 401 even where no key could be fetched")
    func tokenBeforeKeys() {
        bench.judge.snapshot.setKeys(nil, of: fixture.pool)
        #expect(bench.judge(nil) == "missing_token")
    }

    @Test("The host's letter case and a trailing dot make no difference")
    func hostSpelling() throws {
        #expect(bench.judge(try fixture.token(), host: "ACME.Example.com.") == "admit")
    }

    @Test(
        "Only one bearer token is a credential",
        arguments: [
            ("Bearer ", "admit"), ("bearer ", "admit"), ("BEARER   ", "admit"), ("Basic ", "missing_token"),
            ("Bearer", "missing_token"),
            ("Bearer\t", "missing_token"), ("", "missing_token"), ("Bearer x ", "malformed_token"),
        ])
    func schemes(scheme: String, expected: String) throws {
        #expect(bench.judge(try fixture.token(), scheme: scheme) == expected)
    }

    @Test("Bearer with nothing behind it is no credential, two fields are ambiguous")
    func credentials() throws {
        for scheme in ["Bearer", "bearer", "Bearer ", "Bearer     "] {
            #expect(bench.judge([], scheme: scheme) == "missing_token")
        }
        #expect(bench.judge(try fixture.token(), count: 2) == "multiple_credentials")
    }

    @Test(
        "A claim that breaks a rule is refused by that rule's name",
        arguments: [
            (["iss": "\"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_other\""], "wrong_issuer"),
            (["iss": "\"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc/\""], "wrong_issuer"),
            (["iss": "\"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ab\""], "wrong_issuer"),
            (["iss": "\"https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc\""], "admit"),
            (["iss": nil], "malformed_claim"), (["iss": "1"], "malformed_claim"),
            (["token_use": "\"refresh\""], "wrong_token_use"), (["token_use": nil], "malformed_claim"),
            (["token_use": "\"id\""], "malformed_claim"),
            (["exp": nil], "malformed_claim"), (["exp": "\"1700003600\""], "malformed_claim"),
            (["exp": "1700000000"], "expired"), (["exp": "1700000000.5"], "admit"),
            (["exp": "1e400"], "admit"),
            (["exp": "-1e400"], "expired"), (["exp": "9223372036854775808"], "admit"),
            (["nbf": "1700000030"], "admit"), (["nbf": "1700000031"], "not_yet_valid"),
            (["nbf": "true"], "malformed_claim"),
            (["iat": "1700000030"], "admit"), (["iat": "1700000031"], "issued_in_future"),
            (["iat": nil], "admit"),
            (["sub": nil], "malformed_claim"), (["sub": "\"\""], "malformed_claim"),
            (["sub": "null"], "malformed_claim"),
            (["client_id": nil], "malformed_claim"), (["aud": "\"https://resource\""], "admit"),
            (["cognito:groups": "\"staff\""], "malformed_claim"),
            (["cognito:groups": "[1]"], "malformed_claim"),
            (["scope": "[\"a\"]"], "malformed_claim"), (["username": "{}"], "malformed_claim"),
        ] as [([String: String?], String)])
    func claims(changes: [String: String?], expected: String) throws {
        #expect(bench.judge(try fixture.token(nil, changes)) == expected)
    }

    /// Optional claims with their documented type, and what each may hold instead of it.
    private static let optionalClaims = [
        ("username", "text"), ("cognito:username", "text"), ("scope", "text"), ("email", "text"),
        ("jti", "text"),
        ("origin_jti", "text"), ("cognito:groups", "list"), ("nbf", "number"), ("iat", "number"),
    ]

    @Test("Of every optional claim, null and empty are absent, and another JSON type refuses the token")
    mutating func optionalClaims() throws {
        try bench.serve(Bench.row(fixture) { $0.allowUnverifiedEmail = true })
        for (name, type) in Self.optionalClaims {
            let absent = bench.lines(try fixture.token(nil, [name: nil]))
            #expect(!absent.isEmpty, "\(name)")
            let empty = ["text": #""""#, "list": "[]"][type]
            for value in ["null", empty].compactMap({ $0 }) {
                #expect(bench.lines(try fixture.token(nil, [name: value])) == absent, "\(name) \(value)")
            }
            let values = [
                "text": [#""a""#], "list": ["[]", #"["a"]"#], "number": ["1"], "flag": ["true", "false"],
                "object": ["{}"], "mixed": ["[1]", "[null]", "[[]]", "[{}]"],
            ]
            for (other, texts) in values where other != type {
                for text in texts {
                    let token = try fixture.token(nil, [name: text])
                    #expect(bench.judge(token) == "malformed_claim", "\(name) \(text)")
                }
            }
        }
    }

    @Test("Of every required claim, null, empty and another JSON type refuse the token")
    func requiredClaims() throws {
        for name in ["iss", "token_use", "client_id", "sub", "exp"] {
            for value in [nil, "null", #""""#, "{}", "[]", #"["a"]"#, "true"] {
                #expect(bench.judge(try fixture.token(nil, [name: value])) == "malformed_claim", "\(name)")
            }
            #expect(
                bench.judge(try fixture.token(nil, [name: name == "exp" ? #""1""# : "1"]))
                    == "malformed_claim")
        }
    }

    @Test(
        "An address is verified by true or that word in any letter case; whatever else stands there keeps nobody out"
    )
    func verifiedEmail() throws {
        let values = [
            "true": true, #""true""#: true, #""True""#: true, #""TRUE""#: true, "false": false,
            #""false""#: false,
            "null": false, #""""#: false, #""yes""#: false, "1": false, #""1""#: false, "[]": false,
            "{}": false,
            #""true ""#: false, #"["true"]"#: false, #""ｔｒｕｅ""#: false,
        ]
        for (value, isShown) in values {
            let lines = bench.lines(try fixture.token(nil, ["email": #""a@b.c""#, "email_verified": value]))
            #expect(!lines.isEmpty, "\(value)")
            #expect(lines.contains("X-Forwarded-Email: a@b.c") == isShown, "\(value)")
        }
    }

    @Test("A token of one tenant is refused at the host of another, also when it is warm")
    mutating func crossTenant() throws {
        let other = try PoolFixture("eu-west-1_other", key: PoolFixture.otherSigning)
        try bench.serve(Bench.row(other, host: "other.example.com"))
        bench.judge.snapshot.setKeys(try other.keys(), of: other.pool)
        let token = try fixture.token()
        #expect(bench.judge(token) == "admit")
        #expect(bench.judge(token, host: "other.example.com") == "wrong_issuer")
        // The same kid in another pool signs nothing here.
        var forged = fixture
        forged.key = try PoolFixture.otherSigning.get()
        #expect(bench.judge(try forged.token()) == "bad_signature")
    }

    @Test("An app client that the row does not list is refused, for both kinds of token")
    mutating func clients() throws {
        try bench.serve(Bench.row(fixture) { $0.clientIDs = ["client2"] })
        #expect(bench.judge(try fixture.token()) == "wrong_client")
        #expect(bench.judge(try fixture.token(fixture.idClaims)) == "wrong_client")
        #expect(bench.judge(try fixture.token(nil, ["client_id": "\"client2\""])) == "admit")
        #expect(bench.judge(try fixture.token(nil, ["aud": "\"client2\""])) == "wrong_client")
        #expect(bench.judge(try fixture.token(fixture.idClaims, ["aud": "\"client2\""])) == "admit")
    }

    @Test("A warm token meets groups and scopes that the row asks for from one request to the next")
    mutating func requirements() throws {
        let token = try fixture.token()
        #expect(bench.judge(token) == "admit")
        try bench.serve(Bench.row(fixture) { $0.requiredGroups = ["admins", "owners"] })
        #expect(bench.judge(token) == "missing_group")
        #expect(bench.judge(token) == "missing_group")
        try bench.serve(Bench.row(fixture) { $0.requiredGroups = ["admins", "staff"] })
        #expect(bench.judge(token) == "admit")
        try bench.serve(Bench.row(fixture) { $0.requiredScopes = ["api/write"] })
        #expect(bench.judge(token) == "missing_scope")
        try bench.serve(Bench.row(fixture) { $0.requiredScopes = ["api/write", "api/read"] })
        #expect(bench.judge(token) == "admit")
    }

    @Test("A warm token expires on the instant")
    func warmExpiry() throws {
        let token = try fixture.token()
        #expect(bench.judge(token) == "admit")
        #expect(bench.judge(token, at: Instant(nanoseconds: 1_700_003_600_000_000_000 - 1)) == "admit")
        #expect(bench.judge(token, at: Instant(seconds: 1_700_003_600)) == "expired")
    }

    @Test("A withdrawn key takes its warm tokens along, another key in the set changes nothing")
    func withdrawal() throws {
        let token = try fixture.token()
        #expect(bench.judge(token) == "admit")
        bench.judge.snapshot.setKeys(try fixture.keys(["k1", "k2"]), of: fixture.pool)
        #expect(bench.judge(token) == "admit")
        bench.judge.snapshot.setKeys(try fixture.keys(["k2"]), of: fixture.pool)
        #expect(bench.judge(token) == "needsKey")
        #expect(bench.judge(token, lookup: .absent) == "unknown_key")
    }

    @Test("The same kid with another key does not keep a warm token alive")
    func replacedKey() throws {
        let token = try fixture.token()
        #expect(bench.judge(token) == "admit")
        var replaced = fixture
        replaced.key = try PoolFixture.otherSigning.get()
        bench.judge.snapshot.setKeys(try replaced.keys(), of: fixture.pool)
        #expect(bench.judge(token) == "bad_signature")
    }

    @Test("Keys past their time serve nobody, warm or cold")
    func oldKeys() throws {
        let limit = PoolFixture.now.advanced(bySeconds: 10)
        bench.judge.snapshot.setKeys(try fixture.keys(usableUntil: limit), of: fixture.pool)
        let token = try fixture.token()
        #expect(bench.judge(token) == "admit")
        #expect(bench.judge(token, at: limit) == "needsKey")
        #expect(bench.judge(token, at: limit, lookup: .unavailable) == "keys_unavailable")
        #expect(bench.judge(try fixture.token(keyID: "k1"), at: limit) == "needsKey")
    }

    @Test("An unknown key is asked for once; then what the pool says of it decides")
    func unknownKey() throws {
        let token = try fixture.token(keyID: "k9")
        #expect(bench.judge(token) == "needsKey")
        #expect(bench.judge(token, lookup: .absent) == "unknown_key")
        #expect(bench.judge(token, lookup: .unavailable) == "keys_unavailable")
        bench.judge.snapshot.setKeys(try fixture.keys(["k9"]), of: fixture.pool)
        #expect(bench.judge(token, lookup: .present) == "admit")
    }

    @Test("A token that fails the cheap checks never asks for a key")
    func cheapChecksFirst() throws {
        #expect(bench.judge(try fixture.token(nil, ["exp": "1"], keyID: "k9")) == "expired")
        #expect(bench.judge(try fixture.token(nil, ["iss": "\"x\""], keyID: "k9")) == "wrong_issuer")
    }

    @Test("Every flipped bit of a signature is noticed")
    func signatureBits() throws {
        let token = try fixture.token()
        let dot = try #require(token.lastIndex(of: 0x2E))
        for index in stride(from: dot + 1, to: token.count - 1, by: 13) {
            var bad = token
            bad[index] = bad[index] == 0x41 ? 0x42 : 0x41
            #expect(bench.judge(bad) == "bad_signature")
        }
    }

    @Test("A replica's issuer is accepted where the row names its region")
    mutating func replicas() throws {
        let iss =
            ["iss": "\"https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_abc\""] as [String: String?]
        #expect(bench.judge(try fixture.token(nil, iss)) == "wrong_issuer")
        try bench.serve(Bench.row(fixture) { $0.additionalRegions = ["us-east-1"] })
        #expect(bench.judge(try fixture.token(nil, iss)) == "admit")
    }

}

@Suite struct IdentityTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    @Test("A user's access token becomes these lines")
    func access() throws {
        #expect(
            bench.lines(try fixture.token()) == [
                "X-Poolgate-Subject: sub-1", "X-Poolgate-Tenant: acme.example.com",
                "X-Poolgate-Pool: eu-west-1_abc",
                "X-Poolgate-Client: client1", "X-Poolgate-Principal: user", "X-Forwarded-User: alice",
                "X-Forwarded-Groups: staff",
            ])
    }

    @Test("A machine's token names no user")
    func machine() throws {
        let lines = bench.lines(
            try fixture.token(nil, ["username": nil, "cognito:groups": nil, "sub": "\"client1\""]))
        #expect(lines.contains("X-Poolgate-Principal: client"))
        #expect(!lines.contains { $0.hasPrefix("X-Forwarded") })
    }

    @Test("An unverified email is no header, unless the row allows it")
    mutating func email() throws {
        func email(_ verified: String?) throws -> Bool {
            let token = try fixture.token(
                fixture.idClaims, ["email": "\"a@b.c\"", "email_verified": verified])
            return bench.lines(token).contains("X-Forwarded-Email: a@b.c")
        }
        #expect(try email("true"))
        #expect(try email("\"true\""))
        #expect(try !email("false"))
        #expect(try !email(nil))
        try bench.serve(Bench.row(fixture) { $0.allowUnverifiedEmail = true })
        #expect(try email(nil))
    }

    @Test("Odd names are encoded and cannot end a line")
    func injection() throws {
        let lines = bench.lines(
            try fixture.token(
                nil, ["username": "\"a\\r\\nX-Evil: é%\"", "cognito:groups": "[\"a,b\",\" c\",\"\"]"]))
        #expect(lines.contains("X-Forwarded-User: a%0D%0AX-Evil: %C3%A9%25"))
        #expect(lines.contains("X-Forwarded-Groups: a%2Cb,%20c"))
    }

    @Test("A wildcard row names itself as the tenant")
    mutating func wildcard() throws {
        try bench.serve(Bench.row(fixture, host: "*.w.example.com"))
        #expect(
            bench.lines(try fixture.token(), host: "x.w.example.com").contains(
                "X-Poolgate-Tenant: *.w.example.com"))
    }
}
