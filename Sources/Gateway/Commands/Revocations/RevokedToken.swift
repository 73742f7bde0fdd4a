import Gatekeeper
import JOSE

/// What a token says of itself that an entry needs. It is not verified: whoever has it may revoke it, and nothing of it is
/// shown but its ids.
struct RevokedToken: Equatable {
    /// The id of the pool, from the token's issuer.
    let poolID: String
    /// The sign-in that the token comes from; nil where it does not say.
    let originJTI: String?
    /// The token's own id; nil where it does not say.
    let jti: String?

    /// Why a text is no token that could be revoked by its ids, as a sentence without its full stop.
    struct Flaw: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// Reads a token in its compact form.
    init(_ token: [UInt8]) throws(Flaw) {
        let claims: JSONObject
        switch token.withUnsafeBytes({ bytes in
            Result { () throws(TokenFlaw) in try UnverifiedToken(compact: bytes) }
        }) {
        case .success(let token): claims = token.claims
        case .failure(let flaw):
            throw Flaw(description: "standard input holds no token that could be revoked by its ids: \(flaw)")
        }
        func text(_ name: StaticString) -> String? {
            claims[name]?.string.map { String(decoding: $0, as: UTF8.self) }
        }
        guard let poolID = text("iss").flatMap({ PoolReference.pool($0)?.poolID }) else {
            throw Flaw(description: "the token's issuer is no user pool")
        }
        self.poolID = poolID.description
        self.originJTI = text("origin_jti")
        self.jti = text("jti")
    }

    /// What the entry is for: the sign-in, so that no token that it leads to is good any more, or the token alone.
    func target(tokenAlone: Bool) throws(Flaw) -> RevocationTarget {
        if !tokenAlone, let originJTI { return .originJTI(originJTI) }
        guard let jti else {
            throw Flaw(
                description:
                    "the token has no jti: revoke its user with --subject, or its client with --client")
        }
        return .jti(jti)
    }
}
