import JOSE
import Testing

@testable import Gatekeeper

/// What is asserted of a caller, when it is signed, and when what was signed is sent again.
@Suite struct AssertionTests {
    let fixture: PoolFixture
    let key: ES256Key
    var bench = Bench()

    init() throws {
        fixture = try PoolFixture()
        key = try ES256Key.generate()
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        bench.judge.snapshot.assertions = AssertionKeys(issuer: "gw", signing: key, published: [key])
    }

    private static let now = PoolFixture.now

    private func admission(_ token: [UInt8]? = nil, at now: Instant = now) throws -> Admission {
        try #require(bench.admission(Asked(try token ?? fixture.token()), at: now))
    }

    /// What is found for an admission: the assertion, `nothing` or `mustWait`.
    private func find(
        _ admission: Admission, for audience: AssertionAudience = .row, at now: Instant = now,
        isPaid: Bool = true
    ) -> (assertion: Assertion?, word: String) {
        switch bench.judge.assertion(
            of: admission.identity, admission.resolved, for: audience, at: now, isPaid: isPaid, jti: "id-1")
        {
        case .nothing: (nil, "nothing")
        case .found(let assertion): (assertion, "found")
        case .mustWait: (nil, "mustWait")
        }
    }

    private func part(_ index: Int, of assertion: Assertion?) throws -> String {
        let parts = try #require(assertion).token.split(separator: UInt8(ascii: "."))
        try #require(parts.count == 3)
        return String(decoding: try #require(Base64URL.decode(Array(parts[index]))), as: UTF8.self)
    }

    @Test("It says who asserts what to whom, in the order of a token's own claims, and names its key")
    func claims() throws {
        let found = find(try admission()).assertion
        #expect(
            try part(1, of: found)
                == #"{"iss":"gw","aud":"http://app","iat":1700000000,"exp":1700000060,"jti":"id-1","sub":"sub-1","#
                + #""tenant":"acme.example.com","pool":"eu-west-1_abc","client_id":"client1","principal":"user","#
                + #""username":"alice","groups":["staff"]}"#)
        #expect(try part(0, of: found) == #"{"alg":"ES256","kid":"\#(key.keyID)","typ":"JWT"}"#)
        let line = try #require(found?.line)
        #expect(line.starts(with: Array("X-Poolgate-Assertion: ".utf8)) && line.suffix(2) == [0x0D, 0x0A])
        #expect(!line.dropLast(2).contains { $0 < 0x20 || $0 > 0x7E })
    }

    @Test("Text of any kind stands in it as JSON has it, and a machine has no user name")
    func texts() throws {
        let name = #""a\"b\\c\u0001\u001fé""#
        let token = try fixture.token(nil, ["username": name, "cognito:groups": #"["a,b","\n"]"#])
        let payload = try part(1, of: find(try admission(token)).assertion)
        #expect(payload.hasSuffix(#""username":"a\"b\\c\u0001\u001fé","groups":["a,b","\u000a"]}"#))
        let machine = try fixture.token(nil, ["username": nil, "sub": #""client1""#, "cognito:groups": nil])
        let other = try part(1, of: find(try admission(machine)).assertion)
        #expect(other.hasSuffix(#""principal":"client","groups":[]}"#))
    }

    @Test("It is sent again for 30 s, then another is signed; to the nanosecond")
    func renewal() throws {
        let admission = try admission()
        let first = find(admission).assertion
        let last = Instant(nanoseconds: Self.now.advanced(bySeconds: 30).nanoseconds - 1)
        #expect(find(admission, at: last).assertion === first && first != nil)
        let second = find(admission, at: Self.now.advanced(bySeconds: 30)).assertion
        #expect(second !== first && second != nil)
        #expect(try part(1, of: second).contains(#""iat":1700000030,"exp":1700000090"#))
        // A clock that was set back makes it one from the future.
        #expect(find(admission, at: Self.now).assertion !== second)
    }

    @Test("It is good no longer than the token, nor than the row takes that")
    mutating func expiry() throws {
        let late = Instant(seconds: 1_700_003_590)
        #expect(
            try part(1, of: find(try admission(at: late), at: late).assertion).contains(#""exp":1700003600"#))
        try bench.serve(Bench.row(fixture) { $0.maxTokenAge = 20 })
        #expect(try part(1, of: find(try admission()).assertion).contains(#""exp":1700000020"#))
    }

    @Test(
        "Without time for a signature one of up to 45 s is sent, and beyond it the request waits for its turn"
    )
    func turns() throws {
        let admission = try admission()
        bench.judge.allowance = 0
        #expect(find(admission, isPaid: false).word == "mustWait")
        bench.judge.allowance = 2
        let first = find(admission, isPaid: false).assertion
        #expect(first != nil && bench.judge.allowance == 1)
        #expect(find(admission, isPaid: false).assertion === first && bench.judge.allowance == 1)
        bench.judge.allowance = 0
        let last = Instant(nanoseconds: Self.now.advanced(bySeconds: 45).nanoseconds - 1)
        #expect(find(admission, at: last, isPaid: false).assertion === first)
        #expect(find(admission, at: Self.now.advanced(bySeconds: 45), isPaid: false).word == "mustWait")
        // Whoever has just verified the token has the turn.
        #expect(find(admission, at: Self.now.advanced(bySeconds: 45)).word == "found")
        #expect(bench.judge.allowance == 0)
    }

    @Test(
        "Its audience is the row's, else the upstream's origin as the row has it, without a port that is the scheme's own"
    )
    mutating func audiences() throws {
        for (upstream, named, audience, expected) in [
            ("https://api.internal", nil, .row, #""aud":"https://api.internal","#),
            ("h2c://10.0.0.5:50051", nil, .row, #""aud":"h2c://10.0.0.5:50051","#),
            ("http://[::1]:80", nil, .row, #""aud":"http://[::1]","#),
            ("http://a http://b:81", nil, .upstream(1), #""aud":"http://b:81","#),
            ("http://a http://b:81", nil, .row, #""aud":["http://a","http://b:81"],"#),
            ("http://a http://b", "urn:\"x\"", .row, #""aud":"urn:\"x\"","#),
            ("http://a", "urn:x", .row, #""aud":"urn:x","#),
        ] as [(String, String?, AssertionAudience, String)] {
            try bench.serve(
                Bench.row(fixture) {
                    $0.upstream = upstream
                    $0.assertionAudience = named
                })
            let admission = try admission()
            #expect(admission.resolved.choosesAudience == (named == nil && upstream.contains(" ")))
            #expect(try part(1, of: find(admission, for: audience).assertion).contains(expected))
        }
    }

    @Test("Each audience has its own, which lasts beside the others")
    mutating func severalUpstreams() throws {
        try bench.serve(Bench.row(fixture) { $0.upstream = "http://a http://b" })
        let admission = try admission()
        let (first, second) = (
            find(admission, for: .upstream(0)).assertion, find(admission, for: .upstream(1)).assertion
        )
        #expect(first !== second)
        #expect(find(admission, for: .upstream(0)).assertion === first)
        #expect(find(admission, for: .upstream(1)).assertion === second)
    }

    @Test("Nobody, a row that wants none and a gateway without keys have none")
    mutating func absent() throws {
        let nobody = Admission(resolved: try admission().resolved, identity: nil)
        #expect(find(nobody).word == "nothing")
        bench.judge.snapshot.assertions = AssertionKeys(issuer: "gw", signing: nil, published: [])
        #expect(find(try admission()).word == "nothing")
        bench.judge.snapshot.assertions = AssertionKeys(issuer: "gw", signing: key, published: [key])
        #expect(find(try admission()).word == "found")
        try bench.serve(Bench.row(fixture) { $0.assertion = false })
        #expect(find(try admission()).word == "nothing")
        try bench.serve(Bench.row(fixture))
        bench.judge.snapshot.assertions = nil
        #expect(find(try admission()).word == "nothing" && !bench.judge.makesAssertions)
    }

    @Test("Another key that signs leaves what was signed before, unless that can be verified no longer")
    func rotation() throws {
        let admission = try admission()
        let first = find(admission).assertion
        let other = try ES256Key.generate()
        bench.judge.snapshot.assertions = AssertionKeys(
            issuer: "gw", signing: other, published: [other, key])
        #expect(find(admission).assertion === first)
        bench.judge.snapshot.assertions = AssertionKeys(issuer: "gw", signing: other, published: [other])
        let second = find(admission).assertion
        #expect(try part(0, of: second).contains(other.keyID))
        bench.judge.allowance = 0
        bench.judge.snapshot.assertions = AssertionKeys(issuer: "gw", signing: key, published: [key])
        #expect(find(admission, isPaid: false).word == "mustWait")
    }

    @Test("What is kept stays within its budget, leaves with its age, and is signed anew when it is wanted")
    func memory() throws {
        let identity = try #require(try admission().identity)
        let keys = AssertionKeys(issuer: "gw", signing: key, published: [key])
        let tenant = try admission().resolved.tenant
        func make(at now: Instant) throws -> Assertion {
            try #require(
                Assertion(
                    identity.assertionClaims, until: identity.end, for: .row, of: tenant, by: key, of: keys,
                    jti: "j", at: now))
        }
        let cost = try make(at: Self.now).cost
        var memory = AssertionMemory(budgetBytes: 10 * cost)
        var made: [Assertion] = []
        for _ in 0..<5_000 {
            made.append(try make(at: Self.now))
            memory.keep(made[made.count - 1], at: Self.now)
            #expect(memory.usedBytes <= memory.budgetBytes)
        }
        #expect(memory.count == 10)
        #expect(
            made.dropLast(10).allSatisfy { $0.line.isEmpty }
                && made.suffix(10).allSatisfy { !$0.line.isEmpty })
        #expect(!made[0].isUsable(at: Self.now, forSeconds: 45))
        let later = Self.now.advanced(bySeconds: 45)
        memory.keep(try make(at: later), at: later)
        #expect(memory.count == 1 && memory.usedBytes == cost)
        // The last one is kept, whatever it costs: it is about to be sent.
        var tight = AssertionMemory(budgetBytes: 1)
        let only = try make(at: Self.now)
        tight.keep(only, at: Self.now)
        #expect(!only.line.isEmpty)
    }

    @Test(
        "A row whose audience is no plain text is refused with a sentence",
        arguments: ["", "a b", "é", "a\u{7F}"])
    mutating func badAudience(text: String) {
        #expect(throws: RowFlaw("assertion_audience is no text of printable ASCII characters without spaces"))
        {
            _ = try bench.parser.tenant(Bench.row(fixture) { $0.assertionAudience = text })
        }
    }
}
