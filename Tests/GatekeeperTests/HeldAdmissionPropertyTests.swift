import TestSupport
import Testing

@testable import Gatekeeper

/// One function decides for what is new and for what is open alike.
@Suite struct HeldAdmissionPropertyTests {
    let fixture: PoolFixture
    let staff: PoolFixture
    var bench = Bench()
    var random = SeededGenerator(seed: 9)

    init() throws {
        fixture = try PoolFixture()
        staff = try PoolFixture("us-east-1_Staff", key: PoolFixture.otherSigning)
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        bench.judge.snapshot.setKeys(try staff.keys(), of: staff.pool)
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int(random.next() % UInt64(elements.count))]
    }

    private mutating func happens(oneIn count: UInt64) -> Bool { random.next() % count == 0 }

    /// A row in which much may stand that decides about a request.
    private mutating func row() -> TenantRow {
        var row = Bench.row(fixture)
        if happens(oneIn: 16) { row.poolID = "eu-west-1_other" }
        if happens(oneIn: 2) {
            row.secondRegion = "us-east-1"
            row.secondPoolID = "us-east-1_Staff"
        }
        if happens(oneIn: 16) { row.clientIDs = pick([["client1"], ["client2"], ["client1", "client2"]]) }
        if happens(oneIn: 16) { row.tokenUses = pick([["id"], ["access"]]) }
        if happens(oneIn: 16) { row.requiredGroups = pick([["staff"], ["x"], ["x", "staff"]]) }
        if happens(oneIn: 16) { row.requiredScopes = pick([["openid"], ["x"]]) }
        if happens(oneIn: 16) { row.status = "suspended" }
        if happens(oneIn: 16) { row.cookieName = pick(["jwt", "other"]) }
        if happens(oneIn: 16) { row.queryParameter = pick(["token", "other"]) }
        if happens(oneIn: 16) { row.corsOrigins = pick([["https://app.test"], ["https://other.test"]]) }
        if happens(oneIn: 16) { row.maxTokenAge = pick([1, 60, 7_200]) }
        if happens(oneIn: 3) { row.rules = rules() }
        return row
    }

    private mutating func rules() -> String {
        let prefixes = ["/", "/chat", "/chat/room", "/%40chat", "/@chat", "/other"]
        let rules = (0..<Int(random.next() % 4)).map { index in
            let needs = pick([
                #""access":"public""#, #""access":"optional""#, #""access":"authenticated""#,
                #""access":"authenticated","required_groups":["staff"]"#,
                #""access":"authenticated","every_scope":["openid","x"]"#,
                #""access":"authenticated","required_claims":{"custom:plan":["pro","team"]}"#,
                #""access":"authenticated","required_claims":{"/roles/0":"a"}"#,
            ])
            let methods = pick(["", "", #","methods":["GET"]"#, #","methods":["POST"]"#])
            return #"{"id":\#(index + 1),"path_prefix":"\#(pick(prefixes))",\#(needs)\#(methods)}"#
        }
        return "[\(rules.joined(separator: ","))]"
    }

    private mutating func token() throws -> [UInt8]? {
        var changes: [String: String?] = [:]
        if happens(oneIn: 3) { changes["custom:plan"] = pick([#""pro""#, #""free""#]) }
        if happens(oneIn: 3) { changes["roles"] = pick([#"["a","b"]"#, #"["b"]"#]) }
        if happens(oneIn: 4) { changes["iat"] = pick(["1699999000", "1699990000", nil]) }
        if happens(oneIn: 4) { changes["cognito:groups"] = pick([#"["x"]"#, "null"]) }
        switch random.next() % 8 {
        case 0: return nil
        case 1: return try staff.token(nil, changes)
        case 2: return try fixture.token(fixture.idClaims, changes)
        case 3: return try fixture.forged().token(nil, changes)
        default: return try fixture.token(nil, changes)
        }
    }

    private mutating func asked() throws -> Asked {
        let token = try token()
        let text = token.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let place = random.next() % 8
        var asked = Asked(place > 1 ? token : nil)
        if place == 0 { asked.cookies = ["\(pick(["jwt", "other"]))=\(text)"] }
        if place == 1 { asked.query = "?\(pick(["token", "other"]))=\(text)" }
        asked.path = pick([
            "/", "/chat", "/%63hat", "/chat/room", "/chat/%72oom", "/@chat", "/%40chat", "/other",
            "/chat//room",
            "/%2540chat",
        ])
        asked.isUpgrade = true
        if happens(oneIn: 2) {
            asked.origin = pick(["https://app.test", "https://acme.example.com", "https://evil.test"])
        }
        return asked
    }

    /// Makes a random row, refused or not, what stands at the host.
    private mutating func change() throws {
        let row = row()
        let pattern = try #require(HostPattern(row.host))
        do {
            bench.judge.snapshot.directory?[pattern] = .tenant(try bench.parser.tenant(row))
        } catch {
            bench.judge.snapshot.directory?[pattern] = .misconfigured(error)
        }
    }

    /// Revokes somebody, or lifts what was revoked.
    private mutating func revoke() throws {
        guard let revocations = bench.judge.snapshot.directory?.revocations else { return }
        var change = Revocations.Change()
        if happens(oneIn: 2) {
            change.entries = [(fixture.pool, try RevocationTests.entry("s", "sub-1"))]
        } else {
            change.lifted = revocations.entries.map { ($0.id, $0.digest) }
        }
        bench.judge.snapshot.directory?.revocations = revocations.applying(change, at: PoolFixture.now)
    }

    @Test(
        "What is open stays open exactly where the same request would be let in anew, whatever the rows became"
    )
    mutating func likeNew() throws {
        var (kept, ended) = (0, 0)
        for _ in 0..<300 {
            try bench.serve(
                Bench.row(fixture) {
                    $0.secondRegion = "us-east-1"
                    $0.secondPoolID = "us-east-1_Staff"
                    $0.cookieName = "jwt"
                    $0.queryParameter = "token"
                    $0.corsOrigins = ["https://app.test"]
                })
            bench.judge.snapshot.directory?.revocations = Revocations()
            let asked = try asked()
            guard let held = bench.held(asked) else { continue }
            for _ in 0..<12 {
                if happens(oneIn: 3) { try revoke() } else { try change() }
                // A key that nobody has is asked for; for what is open nobody waits.
                let judged = bench.judge(asked)
                let expected = judged == "needsKey" ? "keys_unavailable" : judged
                let reviewed = bench.review(held)
                #expect((reviewed == "open") == (expected == "admit"), "\(reviewed), \(expected)")
                guard reviewed == "open" else {
                    ended += 1
                    break
                }
                kept += 1
            }
        }
        // Both happen often enough to say something.
        #expect(kept > 150)
        #expect(ended > 150)
    }
}
