/// Why a caller may not pass, whose token, if there is one, is good.
package enum CredentialRefusal: Hashable, Sendable, CaseIterable {
    case missingToken
    case multipleCredentials
    case missingGroup
    case missingScope
    case missingClaim
    /// A token from a cookie, for an unsafe method or an upgrade that no page of the host itself asked for.
    case crossSite
}

extension CredentialRefusal {
    var row: RefusalRow {
        switch self {
        case .missingToken:
            RefusalRow(
                .unauthorized, "missing_token", "A bearer token is needed.", challenge: .bare,
                closesConnection: false, level: .info,
                meaning: "no `Authorization: Bearer …`, nor a token in the row's parameter or cookie",
                remedy: "sign in; other schemes and empty values count as none")
        case .multipleCredentials:
            RefusalRow(
                .badRequest, "multiple_credentials", "The request carries more than one credential.",
                challenge: .error("invalid_request"), closesConnection: false, level: .info,
                meaning: "two cookies or parameters of the row's name that differ, or more than one "
                    + "`Authorization`", remedy: "send one")
        case .missingGroup:
            RefusalRow(
                .forbidden, "missing_group", "The caller is in none of the groups that this needs.",
                challenge: .error("insufficient_scope"), closesConnection: false, level: .info,
                meaning: "a good token, but not what the row's or the rule's `required_groups` ask for",
                remedy:
                    "give the user the group, or change the row or rule; `poolgate explain --path` says which"
            )
        case .missingScope:
            RefusalRow(
                .forbidden, "missing_scope", "The token has none of the scopes that this needs.",
                challenge: .error("insufficient_scope"), closesConnection: false, level: .info,
                meaning: "a good token, but not what the row's or the rule's `required_scopes` ask for",
                remedy:
                    "give the client the scope, or change the row or rule; `poolgate explain --path` says which"
            )
        case .missingClaim:
            RefusalRow(
                .forbidden, "missing_claim", "The caller lacks a claim that this needs.",
                challenge: .error("insufficient_scope"), closesConnection: false, level: .info,
                meaning: "a good token, but not what the rule's `required_claims` ask for",
                remedy: "give the user the claim, or change the rule; `poolgate explain --path` says which")
        case .crossSite:
            RefusalRow(
                .forbidden, "cross_site", "A token from a cookie is not taken from another site's page here.",
                closesConnection: false, level: .info,
                meaning: "a token from a cookie, and another site's page asks",
                remedy: "list its origin in `cors_origins`, or send the token in `Authorization`")
        }
    }
}
