import Foundation
import JOSE

/// Makes tokens of the form of Cognito's (Amazon Cognito developer guide, "Understanding user pool JSON web tokens (JWTs)").
enum TokenMint {
    /// What a caller of `POST /control/POOL/mint` may ask for; every member may be left out.
    struct Order: Decodable {
        /// `access` or `id`.
        var use: String?
        var sub: String?
        var username: String?
        var groups: [String]?
        var scope: String?
        var client: String?
        /// Seconds until `exp`, negative for an expired token.
        var ttl: Int?
        var email: String?
        var region: String?
        var iss: String?
        /// How many tokens, each with a `jti` of its own.
        var count: Int?
        /// Whether it is a machine's token, as the client credentials grant gives it (RFC 6749 §4.4).
        var machine: Bool?
        /// The place, among the published keys, of the one that signs; nil for the pool's own choice.
        var key: Int?
    }

    /// One token. `overrides` replaces claims, and removes those that are null in it; `headerOverrides` does the same to the
    /// header.
    static func token(
        _ order: Order, overrides: [String: Any], headerOverrides: [String: Any], pool: String,
        _ state: PoolState
    ) throws -> String {
        let use = order.use ?? "access"
        var key = use == "id" ? state.signsID : state.signsAccess
        if let place = order.key, state.published.indices.contains(place) { key = state.published[place] }
        var header: [String: Any] = ["kid": key.keyID, "alg": "RS256"]
        merge(headerOverrides, into: &header)
        var claims = self.claims(order, use: use, pool: pool)
        merge(overrides, into: &claims)
        let input = try encoded(header) + [UInt8(ascii: ".")] + encoded(claims)
        let signature = try key.key.signRS256(input)
        return String(decoding: input + [UInt8(ascii: ".")] + Base64URL.encode(signature), as: UTF8.self)
    }

    private static func claims(_ order: Order, use: String, pool: String) -> [String: Any] {
        let now = Int(Date().timeIntervalSince1970)
        let region = order.region ?? String(pool.prefix { $0 != "_" })
        let client = order.client ?? "1example23456789"
        var claims: [String: Any] = [
            "iss": order.iss ?? "https://cognito-idp.\(region).amazonaws.com/\(pool)", "token_use": use,
            "auth_time": now, "iat": now, "exp": now + (order.ttl ?? Limits.tokenSeconds),
            "jti": UUID().uuidString.lowercased(),
        ]
        if order.machine == true {
            claims.merge([
                "sub": client, "client_id": client, "scope": order.scope ?? "api/read", "version": 2,
            ]) { $1 }
            return claims
        }
        claims["sub"] = order.sub ?? UUID().uuidString.lowercased()
        claims["origin_jti"] = UUID().uuidString.lowercased()
        claims["event_id"] = UUID().uuidString.lowercased()
        if let groups = order.groups { claims["cognito:groups"] = groups }
        if use == "id" {
            claims["aud"] = client
            claims["cognito:username"] = order.username ?? "alice"
            if let email = order.email { claims.merge(["email": email, "email_verified": true]) { $1 } }
        } else {
            claims.merge([
                "client_id": client, "username": order.username ?? "alice", "version": 2,
                "scope": order.scope ?? "aws.cognito.signin.user.admin openid profile",
            ]) { $1 }
        }
        return claims
    }

    private static func merge(_ overrides: [String: Any], into object: inout [String: Any]) {
        for (name, value) in overrides {
            object[name] = value is NSNull ? nil : value
        }
    }

    private static func encoded(_ object: [String: Any]) throws -> [UInt8] {
        Base64URL.encode(
            try JSONSerialization.data(withJSONObject: object, options: [.withoutEscapingSlashes]))
    }
}
