import Testing

@testable import Gatekeeper

/// Rules as a row carries them, and what they make of requests.
@Suite struct RuleTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    /// Makes these the tenant's rules; each gets an id by its place.
    private mutating func serve(_ rules: String..., change: (inout TenantRow) -> Void = { _ in }) throws {
        let members = rules.enumerated().map { "{\"id\":\($0.offset + 1),\($0.element)}" }
        try bench.serve(
            Bench.row(fixture) {
                $0.rules = "[\(members.joined(separator: ","))]"
                change(&$0)
            })
    }

    private func judge(_ path: String, _ token: [UInt8]? = nil, method: String = "GET") -> String {
        bench.judge(
            Asked(token) {
                $0.path = path
                $0.method = method
            })
    }

    @Test("A prefix covers whole segments, the longest decides, and letter case counts")
    mutating func prefixes() throws {
        try serve(
            #""path_prefix":"/public","access":"public""#,
            #""path_prefix":"/public/not","access":"authenticated""#,
            #""path_prefix":"/public/not/but","access":"public""#)
        for path in ["/public", "/public/", "/public/x", "/public/notes", "/public/not/but/x", "/%70ublic"] {
            #expect(judge(path) == "admit", "\(path)")
        }
        for path in [
            "/", "/publicsecret", "/publi", "/Public", "/public/not", "/public/not/x", "/public/no%74",
        ] {
            #expect(judge(path) == "missing_token", "\(path)")
        }
    }

    @Test("Without a rule for it a path needs a token; the root's rule is for every path")
    mutating func root() throws {
        try serve(#""path_prefix":"/x","access":"public""#)
        #expect(judge("/") == "missing_token")
        #expect(judge("/", try fixture.token()) == "admit")
        try serve(#""path_prefix":"/","access":"public""#)
        #expect(judge("/anything") == "admit")
    }

    @Test("A rule's methods are exact, GET covers HEAD, and a rule for HEAD alone beats that")
    mutating func methods() throws {
        try serve(
            #""path_prefix":"/a","access":"public","methods":["GET","PUT"]"#,
            #""path_prefix":"/b","access":"public","methods":["GET"]"#,
            #""path_prefix":"/b","access":"authenticated","methods":["HEAD"]"#,
            #""path_prefix":"/c","access":"authenticated","methods":["POST"]"#,
            #""path_prefix":"/c","access":"public""#)
        for method in ["GET", "HEAD", "PUT"] { #expect(judge("/a", method: method) == "admit") }
        for method in ["POST", "OPTIONS", "GE", "GETS"] {
            #expect(judge("/a", method: method) == "missing_token", "\(method)")
        }
        #expect(judge("/b") == "admit")
        #expect(judge("/b", method: "HEAD") == "missing_token")
        #expect(judge("/c", method: "POST") == "missing_token")
        #expect(judge("/c", method: "DELETE") == "admit")
    }

    @Test("A rule of a longer prefix that is not for the method leaves the decision to a shorter one")
    mutating func fallThrough() throws {
        try serve(
            #""path_prefix":"/","access":"public""#,
            #""path_prefix":"/a","access":"authenticated","methods":["POST"]"#)
        #expect(judge("/a") == "admit")
        #expect(judge("/a", method: "POST") == "missing_token")
    }

    @Test("public never judges a token, optional admits none and refuses a bad one")
    mutating func access() throws {
        let expired = try fixture.token(nil, ["exp": "1"])
        try serve(
            #""path_prefix":"/public","access":"public""#, #""path_prefix":"/optional","access":"optional""#)
        #expect(judge("/public", expired) == "admit")
        #expect(judge("/public", Array("x".utf8)) == "admit")
        #expect(judge("/optional") == "admit")
        #expect(judge("/optional", expired) == "expired")
        #expect(judge("/optional", try fixture.token()) == "admit")
        let admission = try #require(bench.admission(Asked(try fixture.token()) { $0.path = "/public" }))
        #expect(admission.identity == nil)
        let known = try #require(bench.admission(Asked(try fixture.token()) { $0.path = "/optional" }))
        #expect(known.identity != nil)
    }

    @Test(
        "What a rule asks of its callers: one that has it, one that lacks it, and the boundary between",
        arguments: [
            (#""required_groups":["staff","admins"]"#, "admit"),
            (#""required_groups":["admins"]"#, "missing_group"),
            (#""required_groups":["STAFF"]"#, "missing_group"),
            (#""required_groups":["staf"]"#, "missing_group"),
            (#""every_group":["staff"]"#, "admit"), (#""every_group":["staff","admins"]"#, "missing_group"),
            (#""required_scopes":["api/read","api/write"]"#, "admit"),
            (#""required_scopes":["api/write"]"#, "missing_scope"),
            (#""required_scopes":["api"]"#, "missing_scope"),
            (#""every_scope":["openid","api/read"]"#, "admit"),
            (#""every_scope":["openid","api/write"]"#, "missing_scope"),
            (#""required_claims":{"client_id":"client1"}"#, "admit"),
            (#""required_claims":{"client_id":["x","client1"]}"#, "admit"),
            (#""required_claims":{"client_id":"client"}"#, "missing_claim"),
            (#""required_claims":{"nothing":"x"}"#, "missing_claim"),
            (#""required_claims":{"cognito:groups":"staff"}"#, "admit"),
            (#""required_claims":{"cognito:groups":{"all":["staff"]}}"#, "admit"),
            (#""required_claims":{"cognito:groups":{"all":["staff","admins"]}}"#, "missing_claim"),
            (#""required_claims":{"level":5}"#, "admit"),
            (#""required_claims":{"level":"5"}"#, "missing_claim"),
            (#""required_claims":{"level":6}"#, "missing_claim"),
            (#""required_claims":{"ok":true}"#, "admit"),
            (#""required_claims":{"ok":"true"}"#, "missing_claim"),
            (#""required_claims":{"/address/locality":"Bern"}"#, "admit"),
            (#""required_claims":{"/address/locality":"Berne"}"#, "missing_claim"),
            (#""required_claims":{"/address/a~1b":1}"#, "admit"),
            (#""required_claims":{"/address":"Bern"}"#, "missing_claim"),
            (#""required_claims":{"/identities/0/providerName":"Google"}"#, "admit"),
            (#""required_claims":{"/identities/1/providerName":"Google"}"#, "missing_claim"),
            (#""required_claims":{"/identities/00/providerName":"Google"}"#, "missing_claim"),
            (#""required_claims":{"/identities/-/providerName":"Google"}"#, "missing_claim"),
            (#""required_claims":{"/identities/99999999999999999999":"Google"}"#, "missing_claim"),
            (#""required_claims":{"/cognito:groups/0":"staff"}"#, "admit"),
            (#""required_claims":{"email_verified":true}"#, "admit"),
            (#""required_claims":{"email_verified":"true"}"#, "admit"),
            (#""required_claims":{"email_verified":false}"#, "missing_claim"),
            (#""required_claims":{"phone_number_verified":true}"#, "admit"),
            (#""required_claims":{"phone_number_verified":"FALSE"}"#, "missing_claim"),
            (#""required_claims":{"custom:level":"3"}"#, "admit"),
            (#""required_claims":{"level":5,"ok":false}"#, "missing_claim"),
            (#""required_groups":["staff"],"required_scopes":["api/write"]"#, "missing_scope"),
        ])
    mutating func requirements(needs: String, expected: String) throws {
        try serve(#""path_prefix":"/a","access":"authenticated","# + needs)
        let token = try fixture.token(
            nil,
            [
                "level": "5", "ok": "true", "address": #"{"locality":"Bern","a/b":1}"#,
                "identities": #"[{"providerName":"Google"},{"providerName":"Okta"}]"#,
                "email_verified": "true",
                "phone_number_verified": #""True""#, "custom:level": #""3""#,
            ])
        // Cold, then remembered.
        for _ in 0..<2 { #expect(judge("/a", token) == expected) }
        #expect(judge("/b", token) == "admit")
    }

    @Test("The row's own groups are asked for on every path that asks for anybody")
    mutating func rowAndRule() throws {
        try serve(
            #""path_prefix":"/a","access":"authenticated","required_groups":["staff"]"#,
            #""path_prefix":"/p","access":"public""#
        ) { $0.requiredGroups = ["admins"] }
        #expect(judge("/a", try fixture.token()) == "missing_group")
        #expect(judge("/p", try fixture.token()) == "admit")
    }

    @Test("A path that could be read in two ways is refused where there are rules, and only there")
    mutating func ambiguous() throws {
        try serve(#""path_prefix":"/","access":"public""#)
        #expect(judge("/a//b") == "empty_segment")
        #expect(judge("/a/%2e%2e/b") == "dot_segment")
        try bench.serve(Bench.row(fixture))
        #expect(judge("/a//b", try fixture.token()) == "admit")
    }

    @Test("The path that was judged is the one that goes upstream")
    mutating func normalForm() throws {
        try serve(#""path_prefix":"/","access":"public""#)
        #expect(bench.admission(Asked { $0.path = "/%61%3a" })?.path == Array("/a%3A".utf8))
        #expect(try #require(bench.admission(Asked { $0.path = "/a" })).path == nil)
    }

    @Test("A rule in shadow refuses nobody and is reported; the rule below it decides")
    mutating func shadow() throws {
        try serve(
            #""path_prefix":"/","access":"public""#,
            #""path_prefix":"/a","access":"authenticated","required_groups":["admins"],"shadow":true"#)
        let anonymous = try #require(bench.admission(Asked { $0.path = "/a" }))
        #expect(
            anonymous.wouldRefuse?.rule == 2 && anonymous.wouldRefuse?.refusal == .credential(.missingToken))
        let staff = try #require(bench.admission(Asked(try fixture.token()) { $0.path = "/a" }))
        #expect(staff.identity == nil && staff.wouldRefuse?.refusal == .credential(.missingGroup))
        let expired = try #require(
            bench.admission(Asked(try fixture.token(nil, ["exp": "1"])) { $0.path = "/a" }))
        #expect(expired.wouldRefuse?.refusal == .token(.expired))
        let admin = try fixture.token(nil, ["cognito:groups": "[\"admins\"]"])
        #expect(try #require(bench.admission(Asked(admin) { $0.path = "/a" })).wouldRefuse == nil)
        #expect(try #require(bench.admission(Asked { $0.path = "/b" })).wouldRefuse == nil)
        // Beside a rule that asks for a token.
        try serve(
            #""path_prefix":"/","access":"authenticated","required_scopes":["api/write"],"shadow":true"#)
        #expect(judge("/") == "missing_token")
        let reader = try #require(bench.admission(Asked(try fixture.token())))
        #expect(reader.identity != nil && reader.wouldRefuse?.refusal == .credential(.missingScope))
    }

    @Test("A real preflight passes, with rules and without, unless the row says otherwise")
    mutating func preflight() throws {
        let asked = Asked {
            $0.method = "OPTIONS"
            $0.isPreflight = true
        }
        for rules in [nil, #"[{"id":1,"path_prefix":"/","access":"authenticated"}]"#] {
            try bench.serve(Bench.row(fixture) { $0.rules = rules })
            #expect(bench.judge(asked) == "admit")
            #expect(bench.judge(Asked { $0.method = "OPTIONS" }) == "missing_token")
            try bench.serve(
                Bench.row(fixture) {
                    $0.rules = rules
                    $0.allowPreflights = false
                })
            #expect(bench.judge(asked) == "missing_token")
        }
    }

    @Test(
        "Rules that cannot be read keep the tenant from being served",
        arguments: [
            "{}", "x", "[1]", "[{}]", #"[{"id":1,"path_prefix":"/","access":"private"}]"#,
            #"[{"id":1,"path_prefix":"a","access":"public"}]"#,
            #"[{"id":1,"path_prefix":"/a/","access":"public"}]"#,
            #"[{"id":1,"path_prefix":"/%61","access":"public"}]"#,
            #"[{"id":1,"path_prefix":"/","access":"public","methods":[]}]"#,
            #"[{"id":1,"path_prefix":"/","access":"public","methods":"GET"}]"#,
            #"[{"id":1,"path_prefix":"/a","access":"public"},{"id":2,"path_prefix":"/a","access":"optional"}]"#,
            #"[{"id":1,"path_prefix":"/@a","access":"public"},{"id":2,"path_prefix":"/%40a","access":"optional"}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_claims":{"custom:level":3}}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_claims":{"custom:on":["true",true]}}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_claims":{"/a~2b":"x"}}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_claims":{"/a~":"x"}}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_claims":{"a":[]}}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_claims":{"a":{"any":[1]}}}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","required_groups":[1]}]"#,
            #"[{"id":1,"path_prefix":"/","access":"authenticated","from_the_future":true}]"#,
        ])
    func flawed(rules: String) throws {
        var parser = bench.parser
        #expect(throws: RowFlaw.self) { try parser.tenant(Bench.row(fixture) { $0.rules = rules }) }
    }

    @Test(
        "A rule that an older schema took and a newer one refuses says so in the same sentence",
        arguments: [
            (#""methods":["PSOT"]"#, #"methods contains "PSOT", which is no method of HTTP"#),
            (#""methods":["GET","post"]"#, #"methods contains "post", which has lower-case letters"#),
            (#""methods":["TRACE"]"#, #"methods contains "TRACE", which the gateway never serves"#),
            (
                #""required_claims":{"custom:level":["3",3]}"#,
                #"required_claims compares "custom:level" with a number: a custom:* claim compares with strings only, since Cognito writes strings"#
            ),
            (
                #""required_claims":{"/custom:on":true}"#,
                #"required_claims compares "/custom:on" with a boolean: a custom:* claim compares with strings only, since Cognito writes strings"#
            ),
            (
                #""required_claims":{"/a~2b":"x"}"#,
                #"required_claims names "/a~2b", which is no JSON pointer"#
            ),
        ])
    func sentences(rest: String, sentence: String) throws {
        var parser = bench.parser
        let rules = #"[{"id":1,"path_prefix":"/","access":"authenticated",\#(rest)}]"#
        #expect(throws: RowFlaw(sentence)) { try parser.tenant(Bench.row(fixture) { $0.rules = rules }) }
        #expect(throws: RowFlaw(#"claim_headers names "/a~", which is no JSON pointer"#)) {
            try parser.tenant(Bench.row(fixture) { $0.claimHeaders = #"{"X-A":"/a~"}"# })
        }
        #expect(throws: RowFlaw(#"rule 1 is for GET of "/@" already"#)) {
            try parser.tenant(
                Bench.row(fixture) {
                    $0.rules = """
                        [{"id":1,"path_prefix":"/@","access":"public","methods":["GET"]},
                        {"id":2,"path_prefix":"/%40","access":"optional","methods":["PUT","GET"]}]
                        """
                })
        }
    }

    @Test("A tenant with more rules than are served is refused, one with as many is served")
    func count() throws {
        var parser = bench.parser
        func rules(_ count: Int) -> String {
            "["
                + (1...count).map { "{\"id\":\($0),\"path_prefix\":\"/\($0)\",\"access\":\"public\"}" }
                .joined(separator: ",") + "]"
        }
        #expect(throws: RowFlaw.self) { try parser.tenant(Bench.row(fixture) { $0.rules = rules(257) }) }
        _ = try parser.tenant(Bench.row(fixture) { $0.rules = rules(256) })
    }
}
