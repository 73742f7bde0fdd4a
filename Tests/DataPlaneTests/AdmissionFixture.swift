import Gatekeeper
import JOSE
import Testing

/// A tenant as a row describes it, and requests that it admits.
struct AdmissionFixture {
    private static let signing = Result { try SigningKey.generateRSA() }
    private static let now = Instant(seconds: 1_700_000_000)
    private let judge = Judge(tokenCacheBytes: 1 << 20, seed: 1)
    private let pool: PoolName

    /// The tenant, and others that share its upstream.
    init(_ change: (inout TenantRow) -> Void = { _ in }, neighbours: [TenantRow] = []) throws {
        let region = try #require(Region("eu-west-1"))
        let poolID = try #require(PoolID("eu-west-1_abc"))
        pool = try #require(PoolName(region: region, poolID: poolID))
        var parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil),
            defaultUpstreams: Origin.list("http://app") ?? [])
        var row = TenantRow(host: "a", region: "eu-west-1", poolID: "eu-west-1_abc")
        change(&row)
        var directory = Directory()
        for row in [row] + neighbours {
            directory[try #require(HostPattern(row.host))] = .tenant(try parser.tenant(row))
        }
        judge.snapshot.directory = directory
        let signing = try ES256Key.generate()
        judge.snapshot.assertions = AssertionKeys(issuer: "gw", signing: signing, published: [signing])
        let keySet = try JSONWebKeySet(
            parsing: Array("{\"keys\":[\(try Self.signing.get().publicJWK(keyID: "k"))]}".utf8))
        judge.snapshot.setKeys(PublishedKeys(keySet: keySet, usableUntil: .distantFuture), of: pool)
    }

    /// An assertion for the caller of an admission, named `jti`, by a key of its own.
    func assertion(_ jti: String, of admission: Admission) throws -> Assertion {
        let finding = judge.assertion(
            of: admission.identity, admission.resolved, for: .upstream(jti.utf8.count), at: Self.now,
            isPaid: true,
            jti: jti)
        guard case .found(let assertion) = finding else { throw NotAdmitted(verdict: "\(finding)") }
        return assertion
    }

    /// So many tenants, each of another host.
    static func tenants(_ count: Int) throws -> [Tenant] {
        var parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: [])
        return try (0..<count).map {
            try parser.tenant(TenantRow(host: "a\($0)", region: "eu-west-1", poolID: "eu-west-1_abc"))
        }
    }

    /// An access token of alice's.
    static func token() throws -> [UInt8] {
        let claims = """
            {"iss":"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc","token_use":"access","client_id":"c",\
            "sub":"s","username":"alice","exp":1700003600,"iat":1700000000,"custom:plan":"pro"}
            """
        let input =
            Base64URL.encode(#"{"kid":"k","alg":"RS256"}"#.utf8) + [0x2E] + Base64URL.encode(claims.utf8)
        return input + [0x2E] + Base64URL.encode(try signing.get().signRS256(input))
    }

    /// The admission of a GET of `path` by alice, or by nobody.
    func admission(path: String = "/", anonymous: Bool = false) throws -> Admission {
        let value = Array("Bearer ".utf8) + (try Self.token())
        let verdict = Array("a".utf8).withUnsafeBytes { host in
            value.withUnsafeBytes { value in
                Array(path.utf8).withUnsafeBytes { path in
                    judge.judge(
                        RequestFacts(
                            host: host, authorization: anonymous ? nil : value,
                            authorizationCount: anonymous ? 0 : 1, path: path), at: Self.now)
                }
            }
        }
        guard case .admit(let admission) = verdict else {
            throw NotAdmitted(verdict: "\(verdict)")
        }
        return admission
    }

    /// What a request comes to.
    func verdict(of facts: RequestFacts) -> Verdict { judge.judge(facts, at: Self.now) }

    struct NotAdmitted: Error {
        let verdict: String
    }
}
