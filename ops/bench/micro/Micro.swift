import ExternalAuthorization
import Gatekeeper
import HTTP1
import HTTPMessage
import JOSE

/// The pure parts of the request path, each alone: nanoseconds a call, the median of nine rounds and the fastest.
@main struct Micro {
    static func main() throws {
        let arguments = CommandLine.arguments
        if arguments.count > 2, arguments[1] == "judgements", let count = Int(arguments[2]) {
            return try judgeOnly(count, byRules: arguments.last == "rules")
        }
        if arguments.count > 1, arguments[1] == "messages" { return try messages(arguments.dropFirst(2)) }
        let fixture = try Fixture(tokens: 2_000, tenants: 100_000)
        print("| part | median ns | fastest ns |\n| --- | ---: | ---: |")
        var parser = RequestHeadParser(limits: HeadLimits())
        let head = fixture.head
        report("head parse, \(head.count) bytes, 12 fields") {
            repeated(20_000) { _ in
                parser.reset()
                return head.withUnsafeBytes { parser.parse($0) } == .complete
            }
        }
        report("host lookup, remembered by the loop") {
            repeated(100_000) { fixture.refuses(host: $0 % 1_000) }
        }
        report("host lookup in a directory of 100,000") { repeated(100_000) { fixture.finds(host: $0) } }
        report("judgement, warm") { repeated(20_000) { fixture.admits(token: $0) } }
        report("judgement, warm, by three rules") { repeated(20_000) { fixture.admitsByRule(token: $0) } }
        report("judgement, cold", before: fixture.forget) {
            repeated(fixture.tokens.count) { fixture.admits(token: $0) }
        }
        report("token verify: parse and signature") {
            repeated(fixture.tokens.count) { fixture.verifies(token: $0) }
        }
        report("token parse alone") { repeated(fixture.tokens.count) { fixture.parses(token: $0) } }
        let length = fixture.tokens[0].count
        report("fingerprint of a token of \(length) bytes") {
            repeated(20_000) { fixture.fingerprints(token: $0) }
        }
        report("SHA-256 of a token of \(length) bytes") { repeated(20_000) { fixture.digests(token: $0) } }
    }

    /// Judges one remembered token so often and nothing else, for `valgrind --tool=callgrind`: the difference between two
    /// counts is what so many warm judgements cost.
    private static func judgeOnly(_ count: Int, byRules: Bool) throws {
        let fixture = try Fixture(tokens: 1, tenants: 1)
        _ = repeated(count) { byRules ? fixture.admitsByRule(token: $0) : fixture.admits(token: $0) }
    }

    /// What Envoy's messages cost. With the name of one of the parts and a number, does that part alone so often, for
    /// `valgrind`.
    private static func messages(_ arguments: ArraySlice<String>) throws {
        let credential = try Fixture(tokens: 1, tenants: 1).credential
        let fixture = try MessageFixture(credential: credential)
        var response = CheckResponse()
        let parts: [(name: String, part: (Int) -> Bool)] = [
            ("read", { _ in fixture.readsByHand() }), ("read-library", { _ in fixture.readsByLibrary() }),
            ("write", { _ in fixture.writesByHand(&response) }),
            ("write-library", { _ in fixture.writesByLibrary() }),
        ]
        if let name = arguments.first, let count = arguments.last.flatMap({ Int($0) }) {
            for (_, part) in parts.filter({ $0.name == name }) { _ = repeated(count, part) }
            return
        }
        print(
            "A request of \(fixture.requestBytes) bytes, 20 fields.\n\n| part | median ns | fastest ns |\n| --- | ---: | ---: |"
        )
        for (name, part) in parts { report(name) { repeated(10_000, part) } }
    }

    /// Calls `part` so often, each time with another number; whether it did its work is its answer.
    private static func repeated(_ count: Int, _ part: (Int) -> Bool) -> Int {
        for number in 0..<count where !part(number) { fatalError("a part did not do its work") }
        return count
    }

    private static func report(_ name: String, before: () -> Void = {}, _ round: () -> Int) {
        var found: [Double] = []
        for _ in 0..<10 {
            before()
            let clock = ContinuousClock()
            let start = clock.now
            let calls = round()
            let (seconds, attoseconds) = (clock.now - start).components
            found.append((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(calls))
        }
        // The first round is what warms.
        let sorted = found.dropFirst().sorted()
        print("| \(name) | \(Int(sorted[sorted.count / 2])) | \(Int(sorted[0])) |")
    }
}

/// One pool with many tenants, tokens of its key, and a judge that has them all.
struct Fixture {
    let tokens: [[UInt8]]
    let head: [UInt8]
    /// `Authorization` with each of the tokens.
    private let credentials: [[UInt8]]
    /// The first of them.
    var credential: [UInt8] { credentials[0] }
    private let hosts: [[UInt8]]
    private let host: [UInt8]
    private let ruledHost = Array("rules.example.com".utf8)
    private let judge = Judge(tokenCacheBytes: 128 << 20, seed: 1)
    private let digester = TokenDigester()
    private let fingerprinter = TokenFingerprinter()
    private let keySet: JSONWebKeySet
    private let parser: TenantParser
    private let now = Instant(seconds: 1_700_000_000)

    struct Failure: Error {}

    init(tokens count: Int, tenants: Int) throws {
        let key = try SigningKey.generateRSA()
        keySet = try JSONWebKeySet(parsing: Array("{\"keys\":[\(key.publicJWK(keyID: "k1"))]}".utf8))
        parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil),
            defaultUpstreams: Origin.list("http://127.0.0.1:8080") ?? [])
        tokens = try (0..<count).map { try Fixture.token(number: $0, key) }
        credentials = tokens.map { Array("Bearer ".utf8) + $0 }
        hosts = (0..<tenants).map { Array("t\($0).example.com".utf8) }
        host = hosts[0]
        head = Fixture.head(tokens[0])
        guard let region = Region("eu-west-1"), let id = PoolID("eu-west-1_Bench"),
            let pool = PoolName(region: region, poolID: id)
        else { throw Failure() }
        var snapshot = Snapshot()
        var rows = parser
        var directory = Directory()
        for number in 0..<tenants { try Fixture.put("t\(number).example.com", &directory, &rows) }
        try Fixture.put("rules.example.com", &directory, &rows, rules: Fixture.rules)
        snapshot.directory = directory
        snapshot.setKeys(PublishedKeys(keySet: keySet, usableUntil: .distantFuture), of: pool)
        judge.snapshot = snapshot
    }

    /// Makes every token unknown again: its tenant's row is a new one.
    func forget() {
        guard var directory = judge.snapshot.directory else { return }
        var rows = parser
        try? Fixture.put("t0.example.com", &directory, &rows)
        judge.snapshot.directory = directory
    }

    func admits(token number: Int) -> Bool {
        if case .admit = judge(host, credentials[number % credentials.count]) { true } else { false }
    }

    func admitsByRule(token number: Int) -> Bool {
        if case .admit = judge(ruledHost, credentials[number % credentials.count]) { true } else { false }
    }

    func refuses(host number: Int) -> Bool {
        if case .refuse(.credential(.missingToken), _) = judge(hosts[number], nil) { true } else { false }
    }

    func finds(host number: Int) -> Bool {
        hosts[number % hosts.count].withUnsafeBytes { name in
            Host(request: name).flatMap { judge.snapshot.directory?.entry(for: $0) } != nil
        }
    }

    func parses(token number: Int) -> Bool {
        tokens[number].withUnsafeBytes { try? UnverifiedToken(compact: $0) } != nil
    }

    func verifies(token number: Int) -> Bool {
        guard let token = tokens[number].withUnsafeBytes({ try? UnverifiedToken(compact: $0) }),
            let key = keySet[token.keyID]
        else { return false }
        return token.verified(by: key, digester: digester) != nil
    }

    func fingerprints(token number: Int) -> Bool {
        tokens[number % tokens.count].withUnsafeBytes { fingerprinter.fingerprint(of: $0) } != nil
    }

    func digests(token number: Int) -> Bool {
        tokens[number % tokens.count].withUnsafeBytes { digester.digest(of: $0) } != nil
    }

    private func judge(_ host: [UInt8], _ credential: [UInt8]?) -> Verdict {
        guard let credential else {
            return host.withUnsafeBytes {
                judge.judge(RequestFacts(host: $0, authorization: nil, authorizationCount: 0), at: now)
            }
        }
        return host.withUnsafeBytes { host in
            credential.withUnsafeBytes { value in
                judge.judge(RequestFacts(host: host, authorization: value, authorizationCount: 1), at: now)
            }
        }
    }

    private static func put(
        _ host: String, _ directory: inout Directory, _ parser: inout TenantParser, rules: String? = nil
    ) throws {
        guard let pattern = HostPattern(host) else { throw Failure() }
        var row = TenantRow(host: host, region: "eu-west-1", poolID: "eu-west-1_Bench")
        row.rules = rules
        directory[pattern] = .tenant(try parser.tenant(row))
    }

    /// Two rules for other paths, and the one that decides.
    private static let rules = """
        [{"id":1,"path_prefix":"/","access":"authenticated","required_groups":["staff"]},
        {"id":2,"path_prefix":"/health","access":"public","methods":["GET"]},
        {"id":3,"path_prefix":"/api","access":"authenticated","required_scopes":["api/read"]}]
        """

    /// An access token of about 1.1 KB.
    private static func token(number: Int, _ key: SigningKey) throws -> [UInt8] {
        let padding = String(repeating: "x", count: 150)
        let claims = """
            {"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Bench","token_use":"access",\
            "client_id":"benchclient0000000000000000","sub":"5c0c2d3e-9f1a-4a63-9d8e-\(number)","username":"alice",\
            "exp":1700003600,"iat":1700000000,"auth_time":1700000000,"jti":"jti-\(number)","scope":"openid api/read",\
            "cognito:groups":["staff"],"version":2,"padding":"\(padding)"}
            """
        let input =
            Base64URL.encode("{\"kid\":\"k1\",\"alg\":\"RS256\"}".utf8) + [0x2E]
            + Base64URL.encode(claims.utf8)
        return input + [0x2E] + Base64URL.encode(try key.signRS256(input))
    }

    private static func head(_ token: [UInt8]) -> [UInt8] {
        let lines = [
            "GET /api/v1/orders?page=2 HTTP/1.1", "Host: t0.example.com",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
            "Accept: application/json", "Accept-Language: en-GB,en;q=0.5",
            "Accept-Encoding: gzip, deflate, br",
            "Referer: https://t0.example.com/orders", "Connection: keep-alive", "Sec-Fetch-Dest: empty",
            "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin", "Cache-Control: no-cache",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\nAuthorization: Bearer ").utf8) + token
            + Array("\r\n\r\n".utf8)
    }
}
