/// Which check a token failed. The client learns one of two things: that it has expired, or that it is not acceptable.
package enum TokenRefusal: String, Error, Hashable, Sendable, CaseIterable {
    case expired = "expired"
    case malformedToken = "malformed_token"
    case unsupportedAlgorithm = "unsupported_algorithm"
    case malformedClaim = "malformed_claim"
    case wrongIssuer = "wrong_issuer"
    case wrongTokenUse = "wrong_token_use"
    case wrongClient = "wrong_client"
    case notYetValid = "not_yet_valid"
    case issuedInFuture = "issued_in_future"
    case unknownKey = "unknown_key"
    case withdrawnKey = "withdrawn_key"
    case badSignature = "bad_signature"
    case tooOld = "too_old"
    case revoked = "revoked"
}

extension TokenRefusal {
    var row: RefusalRow {
        switch self {
        case .expired:
            told("The token has expired.", meaning: "`exp` is past", remedy: "refresh the token")
        case .malformedToken:
            unacceptable(
                "no signed JWT; a refresh token, for instance", remedy: "send the access or ID token")
        case .unsupportedAlgorithm:
            unacceptable("`alg` is not RS256", remedy: "send a token that Cognito issued")
        case .malformedClaim:
            unacceptable(
                "a claim is missing (`sub`, `iss`, `exp`, `token_use`, `client_id` or `aud`) or of another "
                    + "type than Cognito's", remedy: "look at the token's claims")
        case .wrongIssuer:
            unacceptable(
                "a token of another pool or region",
                remedy: "compare `iss` with the row's `region`, `pool_id`, `additional_regions`")
        case .wrongTokenUse:
            unacceptable(
                "not among the row's `token_uses`", remedy: "change the row, or send the other token")
        case .wrongClient:
            unacceptable(
                "not among the row's `client_ids`", remedy: "change the row, or sign in by another client")
        case .notYetValid:
            unacceptable("`nbf` more than \(Limits.clockSkewSeconds) s ahead", remedy: "set the clocks right")
        case .issuedInFuture:
            unacceptable("`iat` more than \(Limits.clockSkewSeconds) s ahead", remedy: "set the clocks right")
        case .unknownKey:
            unacceptable(
                "the pool's key set, fetched successfully, lacks the token's `kid`",
                remedy: "a token of a withdrawn key, or a forged one")
        case .withdrawnKey:
            unacceptable(
                "an entry of `poolgate.withdrawn_keys` stands against the token's key",
                remedy: "sign in again, or lift the entry: `poolgate pools --lift KID`")
        case .badSignature:
            unacceptable("the signature does not match the key", remedy: "a forged or damaged token")
        case .tooOld:
            unacceptable("older than the row's `max_token_age`, or without `iat`", remedy: "sign in again")
        case .revoked:
            unacceptable(
                "an entry of `poolgate.revocations` stands against it",
                remedy: "sign in again, or lift the entry")
        }
    }

    private func unacceptable(_ meaning: String, remedy: String) -> RefusalRow {
        told("The token is not acceptable here.", meaning: meaning, remedy: remedy)
    }

    private func told(_ description: String, meaning: String, remedy: String) -> RefusalRow {
        RefusalRow(
            .unauthorized, "invalid_token", description, code: rawValue, challenge: .error("invalid_token"),
            closesConnection: false, level: .info, meaning: meaning, remedy: remedy)
    }
}
