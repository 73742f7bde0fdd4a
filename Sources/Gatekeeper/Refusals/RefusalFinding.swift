package import JOSE

/// What a judgement found that it refused a request for, so that the log can say what to do about it.
///
/// Of a token it holds claims, never a byte of the token itself, and of each claim no more than `Limits.foundBytes`. Loops
/// hand it on as it is; the log's writer makes words of it.
package enum RefusalFinding: Hashable, Sendable {
    /// Why the row cannot be served.
    case row(RowFlaw)
    /// There is an `Authorization`, and it is no bearer token.
    case otherScheme
    /// Where more than one token stands.
    case several(TokenPlace)
    /// Since when the directory is too old, and when it was judged.
    case stale(Instant, now: Instant)
    /// The entry of `poolgate.revocations` that covers the token.
    case revoked(RevocationMatch)
    /// The page that caused the request, as `Origin` spells it; empty where there is none, or several.
    case page([UInt8])
    /// What keeps a token from being read.
    case unreadable(TokenFlaw)
    /// A claim that is absent, or of another type than Cognito's.
    case claim(ClaimFlaw)
    /// The token's `iss`, and what the row takes: at most `Limits.foundNames` of them.
    case issuer([UInt8], accepted: [[UInt8]])
    /// The token's `token_use` where it is a known one, and those that the row takes.
    case tokenUse(TokenUses?, accepted: TokenUses)
    /// The app client that the token was issued to.
    case client([UInt8])
    /// When the token expired, and when it was judged.
    case expired(Instant, now: Instant)
    /// When a time of the token's lies that is still to come, `nbf` or `iat`, and when it was judged.
    case ahead(ClaimName, Instant, now: Instant)
    /// When the token was issued where it says so, and when it was judged.
    case age(Instant?, now: Instant)
    /// The token's `kid`, and the pool that would have it.
    case key(KeyID, PoolName)
    /// The token's `kid`, whose key of that pool was withdrawn by SQL.
    case withdrawnKey(KeyID, PoolName, WithdrawnKeys.Withdrawal)
    /// Groups or scopes that were asked for and those that the caller has: at most `Limits.foundNames` of each.
    case names(asked: [[UInt8]], held: [[UInt8]])
    /// What the rule asks of claims and the caller does not meet, in words.
    case conditions([String])

    /// The first bytes of a claim.
    static func cut(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count <= Limits.foundBytes ? bytes : Array(bytes.prefix(Limits.foundBytes))
    }

    /// The first of several.
    static func cut(_ names: some Sequence<[UInt8]>) -> [[UInt8]] {
        names.prefix(Limits.foundNames).map(cut)
    }
}

/// A claim whose absence, type or time can be what a token is refused for.
package enum ClaimName: String, Sendable, CaseIterable {
    case issuer = "iss"
    case tokenUse = "token_use"
    case clientID = "client_id"
    case audience = "aud"
    case subject = "sub"
    case expiry = "exp"
    case notBefore = "nbf"
    case issuedAt = "iat"
    case userName = "username"
    case cognitoUserName = "cognito:username"
    case groups = "cognito:groups"
    case scope
    case email
    case jti
    case originJTI = "origin_jti"
}

/// The claim that keeps a token from being read.
package struct ClaimFlaw: Error, Hashable, Sendable {
    /// Which claim.
    package let name: ClaimName
    /// Whether it is absent, null or empty; else it is of another type than Cognito's.
    package let isMissing: Bool
}

/// Why nobody can read a token, or Cognito's claims in it.
struct UnreadableToken: Error {
    let refusal: TokenRefusal
    /// What exactly is wrong with it.
    let finding: RefusalFinding
}
