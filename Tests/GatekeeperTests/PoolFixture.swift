import JOSE
import Testing

@testable import Gatekeeper

/// A pool whose keys the tests hold, and tokens of any shape signed by them.
struct PoolFixture {
    static let signing = Result { try SigningKey.generateRSA() }
    static let otherSigning = Result { try SigningKey.generateRSA() }
    static let now = Instant(seconds: 1_700_000_000)

    let pool: PoolName
    var keyID = "k1"
    var key: SigningKey

    init(_ name: String = "eu-west-1_abc", key: Result<SigningKey, any Error> = signing) throws {
        let poolID = try #require(PoolID(name))
        let region = try #require(Region(String(poolID.regionPrefix)))
        pool = try #require(PoolName(region: region, poolID: poolID))
        self.key = try key.get()
    }

    /// The claims of an access token, as JSON members.
    var accessClaims: [String: String] {
        [
            "iss": "\"https://cognito-idp.\(pool.region).amazonaws.com/\(pool.poolID)\"",
            "token_use": "\"access\"",
            "client_id": "\"client1\"", "sub": "\"sub-1\"", "username": "\"alice\"", "exp": "1700003600",
            "iat": "1700000000", "jti": "\"j\"", "scope": "\"openid api/read\"",
            "cognito:groups": "[\"staff\"]",
        ]
    }

    /// The claims of an ID token, as JSON members.
    var idClaims: [String: String] {
        var claims = accessClaims
        for name in ["client_id", "username", "scope"] { claims[name] = nil }
        claims["token_use"] = "\"id\""
        claims["aud"] = "\"client1\""
        claims["cognito:username"] = "\"alice\""
        return claims
    }

    /// A token of these claims; a nil change removes a claim.
    func token(_ claims: [String: String]? = nil, _ changes: [String: String?] = [:], keyID: String? = nil)
        throws -> [UInt8]
    {
        var members = claims ?? accessClaims
        for (name, value) in changes { members[name] = value }
        let payload = "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        let header = "{\"kid\":\"\(keyID ?? self.keyID)\",\"alg\":\"RS256\"}"
        let input = Base64URL.encode(header.utf8) + [0x2E] + Base64URL.encode(payload.utf8)
        return input + [0x2E] + Base64URL.encode(try key.signRS256(input))
    }

    /// The same pool, its tokens signed by a key that is not its own.
    func forged() throws -> PoolFixture {
        var forged = self
        forged.key = try PoolFixture.otherSigning.get()
        return forged
    }

    /// What the pool's endpoint shows: this key under each of the names.
    func keys(_ keyIDs: [String]? = nil, usableUntil: Instant = .distantFuture) throws -> PublishedKeys {
        let members = (keyIDs ?? [keyID]).map { key.publicJWK(keyID: $0) }.joined(separator: ",")
        return PublishedKeys(
            keySet: try JSONWebKeySet(parsing: Array("{\"keys\":[\(members)]}".utf8)),
            usableUntil: usableUntil)
    }
}

/// A request that differs from a plain GET of the root in what a test says.
struct Asked {
    var token: [UInt8]?
    var host = "acme.example.com"
    var method = "GET"
    var path = "/"
    var query = ""
    var cookies: [String] = []
    var origin: String?
    var fetchSite: String?
    var isPreflight = false
    var isUpgrade = false
    /// What stands in `Authorization` where it is not a bearer token.
    var authorization: String?
    /// The host as `Host` has it, with its port; nil for the host alone.
    var authority: String?

    init(_ token: [UInt8]? = nil, _ change: (inout Asked) -> Void = { _ in }) {
        self.token = token
        change(&self)
    }

    func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value {
        // Everything in one piece, as it is in a connection's buffer.
        var bytes: [UInt8] = []
        func add(_ text: String?) -> Range<Int> {
            bytes += Array((text ?? "").utf8)
            return (bytes.count - (text ?? "").utf8.count)..<bytes.count
        }
        let (host, method, path) = (add(host), add(method), add(path))
        let (query, origin, fetchSite) = (add(query), add(origin), add(fetchSite))
        let cookies = cookies.map(add)
        let authorization =
            token.map { add("Bearer " + String(decoding: $0, as: UTF8.self)) } ?? self.authorization.map(add)
        let authority = add(self.authority ?? self.host)
        return bytes.withUnsafeBytes { bytes in
            func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[range])
            }
            var facts = RequestFacts(
                host: slice(host), authorization: authorization.map(slice),
                authorizationCount: authorization == nil ? 0 : 1, method: slice(method), path: slice(path))
            facts.authority = slice(authority)
            facts.query = slice(query)
            for cookie in cookies { facts.cookies.append(slice(cookie)) }
            facts.origin = self.origin.map { _ in slice(origin) }
            facts.fetchSite = self.fetchSite.map { _ in slice(fetchSite) }
            facts.isPreflight = isPreflight
            facts.isUpgrade = isUpgrade
            return body(facts)
        }
    }
}
