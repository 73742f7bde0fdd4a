import Testing

@testable import Gatekeeper

/// What an explanation says. That it comes to what a judgement does, every other test of judgements holds (`Bench`).
@Suite struct ExplanationTests {
    let fixture: PoolFixture
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        try bench.serve(Bench.row(fixture))
    }

    private func explained(_ asked: Asked, lookup: KeyLookupResult? = nil) -> Explanation {
        let judge = Judge(tokenCacheBytes: 1 << 20, seed: 1)
        judge.snapshot = bench.judge.snapshot
        var explanation = Explanation()
        _ = asked.withFacts { judge.explain($0, at: PoolFixture.now, lookup: lookup, into: &explanation) }
        return explanation
    }

    private func names(_ explanation: Explanation) -> String {
        explanation.lines.map(\.name).joined(separator: " ")
    }

    @Test("Each check of an admitted token stands in its order")
    func order() throws {
        #expect(
            names(explained(Asked(try fixture.token())))
                == "host row upstream rule credential token issuer token_use client exp nbf iat key signature "
                + "revocation groups scopes")
    }

    @Test("It ends with the check that failed")
    mutating func ending() throws {
        try bench.serve(Bench.row(fixture) { $0.maxTokenAge = 60 })
        let changes: [(String, [String: String?])] = [
            ("issuer", ["iss": "\"x\""]), ("token_use", ["token_use": "\"refresh\""]), ("exp", ["exp": "1"]),
            ("nbf", ["nbf": "1700009999"]), ("iat", ["iat": "1700009999"]), ("age", ["iat": "1699999940"]),
            ("token", ["sub": "1"]),
        ]
        for (name, change) in changes {
            let explanation = explained(Asked(try fixture.token(nil, change)))
            #expect(explanation.lines.last?.name == name && explanation.refusal != nil)
        }
        #expect(explained(Asked(try fixture.token(keyID: "k9")), lookup: .absent).lines.last?.name == "key")
    }

    @Test("It names the rule that decides, the one in shadow, and what it would do")
    mutating func rules() throws {
        try bench.serve(
            Bench.row(fixture) {
                $0.rules = """
                    [{"id":1,"path_prefix":"/a","access":"authenticated","methods":["GET"],"required_groups":["staff"]},
                    {"id":2,"path_prefix":"/a/b","access":"authenticated","every_scope":["api/write"],"shadow":true}]
                    """
            })
        let explanation = explained(Asked(try fixture.token()) { $0.path = "/a/%62" })
        func actual(_ name: String) -> String? { explanation.lines.first { $0.name == name }?.actual }
        #expect(explanation.refusal == nil)
        #expect(actual("path") == "/a/b")
        #expect(actual("rule") == "1: /a, GET, authenticated; in shadow 2: /a/b, every method, authenticated")
        #expect(actual("shadow") == "would refuse: missing_scope")
        #expect(explanation.lines.first { $0.name == "rule's needs" }?.expected == "any group of staff")
        #expect(explained(Asked { $0.method = "get" }).lines.last?.name == "method")
        #expect(explained(Asked { $0.path = "/a//b" }).lines.last?.actual == "empty_segment")
    }

    @Test("It says where the token stood, which page a browser names, and shows nothing else of them")
    mutating func sources() throws {
        try bench.serve(
            Bench.row(fixture) {
                $0.cookieName = "jwt"
                $0.queryParameter = "t"
                $0.corsOrigins = ["https://app.test"]
            })
        let token = String(decoding: try fixture.token(), as: UTF8.self)
        func credential(_ change: (inout Asked) -> Void) -> String? {
            explained(Asked(nil, change)).lines.first { $0.name == "credential" }?.actual
        }
        #expect(credential { $0.authorization = "Bearer \(token)" } == "one, in Authorization")
        #expect(credential { $0.cookies = ["jwt=\(token)"] } == "one, in the row's cookie")
        #expect(credential { $0.query = "?t=\(token)" } == "one, in the row's query parameter")
        #expect(credential { $0.cookies = ["jwt=x", "jwt=y"] } == "more than one, in the row's cookie")
        let crossed = explained(
            Asked {
                $0.cookies = ["jwt=\(token)"]
                $0.method = "POST"
                $0.origin = "https://secret:word@evil.test/x"
                $0.fetchSite = "secret"
            })
        #expect(crossed.refusal == .credential(.crossSite))
        let page = try #require(crossed.lines.last)
        #expect(page.expected == "a page of the host itself, or of https://app.test")
        #expect(page.actual == "Origin: one that is none, Sec-Fetch-Site: another word")
    }

    @Test("A preflight is said to need no token")
    func preflight() {
        let asked = Asked {
            $0.method = "OPTIONS"
            $0.isPreflight = true
        }
        #expect(explained(asked).lines.last?.name == "preflight")
    }

    @Test("What moves a terminal's cursor is encoded")
    func control() throws {
        let token = try fixture.token(nil, ["iss": #""\u001b[2Jx""#])
        #expect(explained(Asked(token)).lines.last?.actual == "%1B[2Jx")
    }
}
