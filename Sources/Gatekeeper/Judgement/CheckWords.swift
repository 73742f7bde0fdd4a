import HashTreeCollections
import JOSE

/// A check in words: what it looks at, what lets a request pass, and what the request has.
///
/// Of what a client sent they show what is printable, the rest percent-encoded, so that no claim moves a terminal's
/// cursor. Of a token, a query, a cookie and a header nothing is shown but claims, and the parts of an origin.
struct CheckWords {
    let name: String
    let expected: String
    let actual: String

    fileprivate init(_ name: String, expected: String, actual: String) {
        self.name = name
        self.expected = expected
        self.actual = actual
    }
}

extension Check {
    /// The check in words.
    var words: CheckWords {
        switch self {
        case .host(let check): check.words
        case .rule(let check): check.words
        case .credential(let check): check.words
        case .claim(let check, let claims, let tenant, let now): check.words(claims, tenant, now)
        case .caller(let check): check.words
        }
    }
}

extension HostCheck {
    fileprivate var words: CheckWords {
        switch self {
        case .message(let refusal):
            CheckWords(
                "message", expected: "one that HTTP and the gateway's bounds allow",
                actual: refusal.row.description + (refusal.detail?.text.map { " (\($0))" } ?? ""))
        case .directory(let staleAfter, _):
            CheckWords(
                "directory", expected: "one that is not too old",
                actual: staleAfter == nil ? "none yet" : "too old")
        case .host(let host):
            CheckWords("host", expected: "a row of poolgate.tenants", actual: shown(Array(host)))
        case .row(.misconfigured(let flaw)):
            CheckWords("row", expected: "a row that can be served", actual: flaw.description)
        case .row(.tenant(let tenant)):
            CheckWords(
                "row", expected: "status active", actual: "status \(tenant.state), row '\(tenant.name)'")
        case .upstream(let tenant):
            CheckWords(
                "upstream", expected: "at least one origin",
                actual: tenant.upstreams.isEmpty
                    ? "none" : tenant.upstreams.map(\.description).joined(separator: " "))
        }
    }
}

extension RuleCheck {
    fileprivate var words: CheckWords {
        switch self {
        case .none:
            CheckWords("rule", expected: "one, or a token", actual: "the host has no rules")
        case .method(let method):
            CheckWords("method", expected: "one that can be read in one way", actual: shown(Array(method)))
        case .path(let path, let normal, let flaw):
            CheckWords(
                "path", expected: "one that can be read in one way",
                actual: flaw.map { $0.row.code } ?? shown(normal ?? Array(path)))
        case .found(let rule, let shadow, let method):
            CheckWords(
                "rule", expected: "the longest prefix for \(shown(Array(method)))",
                actual: (rule.map(RuleCheck.summary) ?? "none for it")
                    + (shadow.map { "; in shadow \(RuleCheck.summary($0))" } ?? ""))
        case .preflight:
            CheckWords("preflight", expected: "no token where the row allows it", actual: "a preflight")
        case .needs(let rule, let identity, let lacks):
            CheckWords("rule's needs", expected: rule.needs, actual: RuleCheck.held(rule, identity, lacks))
        case .shadow(let refusal):
            CheckWords(
                "shadow", expected: "reported, not enforced", actual: "would refuse: \(refusal.row.code)")
        }
    }

    private static func summary(_ rule: Rule) -> String {
        "\(rule.id): \(rule.prefixText), \(rule.methodsText), \(rule.access.rawValue)"
    }

    /// What the caller has of the kind that is lacking.
    private static func held(_ rule: Rule, _ identity: Identity, _ lacks: RuleChecks.Lack?) -> String {
        switch lacks {
        case nil: return "met"
        case .group: return "groups: \(shownList(identity.groups))"
        case .scope: return "scopes: \(shownList(identity.scopes))"
        case .claim:
            let unmet = rule.claims.filter { !identity.metConditions.contains($0) }
            return "not so: \(unmet.map(\.description).joined(separator: "; "))"
        }
    }
}

extension CredentialCheck {
    fileprivate var words: CheckWords {
        switch self {
        case .found(let credential, let isOptional, _):
            CheckWords(
                "credential", expected: isOptional ? "one bearer token, or none" : "one bearer token",
                actual: CredentialCheck.found(credential))
        case .page(let request, let tenant):
            CheckWords(
                "page", expected: CredentialCheck.pages(tenant), actual: CredentialCheck.page(request))
        case .fingerprint:
            CheckWords("token", expected: "memory to look at it", actual: "none")
        case .readable(let flaw):
            CheckWords(
                "token", expected: "a JWS of Cognito's claims, RS256",
                actual: flaw?.refusal.rawValue ?? "readable")
        case .remembered:
            CheckWords("token", expected: "a JWS of Cognito's claims, RS256", actual: "verified before")
        }
    }

    private static func found(_ credential: Credential) -> String {
        switch credential {
        case .none: "none"
        case .several(let place): "more than one, in \(place.words)"
        case .token(_, let place): "one, in \(place.words)"
        }
    }

    private static func pages(_ tenant: Tenant) -> String {
        let listed = tenant.corsOrigins.isEmpty ? "" : ", or of \(shownList(tenant.corsOrigins))"
        return "a page of the host itself\(listed)"
    }

    /// What a browser says of the page, in its own words only where they are an origin, or short.
    private static func page(_ request: RequestFacts) -> String {
        let origin = request.origin.map { origin in
            WebOrigin(origin).map { shown($0.canonical) } ?? "one that is none"
        }
        let site = request.fetchSite.map { site in
            ["same-origin", "same-site", "cross-site", "none"].first { site.elementsEqual($0.utf8) }
                ?? "another word"
        }
        return "Origin: \(origin ?? "absent"), Sec-Fetch-Site: \(site ?? "absent")"
    }
}

extension ClaimCheck {
    fileprivate func words(_ claims: CognitoClaims, _ tenant: Tenant, _ now: Instant) -> CheckWords {
        switch self {
        case .issuer:
            CheckWords(
                "issuer", expected: anyOf(tenant.pools.flatMap(\.issuers)), actual: shown(claims.issuer))
        case .tokenUse:
            CheckWords(
                "token_use", expected: tenant.tokenUses.names.joined(separator: " or "),
                actual: claims.tokenUse?.names.first ?? "another")
        case .client:
            CheckWords(
                "client", expected: tenant.clientIDs.map { anyOf($0) } ?? "any client of the pool",
                actual: shown(claims.client))
        case .expiry:
            CheckWords(
                "exp", expected: "after \(now.timestampOfSecond)", actual: time(claims.expires, now))
        case .notBefore:
            CheckWords(
                "nbf", expected: ClaimCheck.latest(now),
                actual: claims.notBefore.map { time($0, now) } ?? "absent")
        case .issuedAt:
            CheckWords(
                "iat", expected: ClaimCheck.latest(now),
                actual: claims.issuedAt.map { time($0, now) } ?? "absent")
        case .age:
            CheckWords(
                "age",
                expected: tenant.maxTokenAge.map { "less than \(PersonTime.span($0)) since iat" } ?? "any",
                actual: claims.issuedAt.map { PersonTime.span(max(0, now.seconds(since: $0))) } ?? "unknown")
        }
    }

    private static func latest(_ now: Instant) -> String {
        "absent or at most \(now.advanced(bySeconds: Limits.clockSkewSeconds).timestampOfSecond)"
    }
}

extension CallerCheck {
    fileprivate var words: CheckWords {
        switch self {
        case .end(let identity, let now):
            CheckWords(
                "exp", expected: "after \(now.timestampOfSecond)", actual: time(identity.end, now))
        case .key(let keyID, let pool, let keys, _):
            CheckWords(
                "key",
                expected:
                    "one of \(pool)'s: \(keys?.keySet.keys.map(\.keyID.description).joined(separator: ", ") ?? "no keys fetched")",
                actual: keyID.description)
        case .withdrawal(let keyID, let pool, let withdrawal, _):
            CheckWords(
                "key", expected: "one of \(pool)'s that is not withdrawn",
                actual: "\(keyID), \(withdrawal.description)")
        case .signature(_, _, _, let isGenuine):
            CheckWords(
                "signature", expected: "made by that key", actual: isGenuine ? "genuine" : "not genuine")
        case .revocation(_, let entry):
            CheckWords(
                "revocation", expected: "none against it",
                actual: entry.map { "\($0.words) stands" } ?? "none")
        case .groups(let identity, let tenant):
            CheckWords("groups", expected: anyOf(tenant.requiredGroups), actual: shownList(identity.groups))
        case .scopes(let identity, let tenant):
            CheckWords("scopes", expected: anyOf(tenant.requiredScopes), actual: shownList(identity.scopes))
        }
    }
}

/// Printable ASCII as it is, anything else percent-encoded.
private func shown(_ bytes: [UInt8]) -> String {
    String(decoding: PercentEncoding.encoded(bytes), as: UTF8.self)
}

private func shownList(_ texts: [[UInt8]]) -> String {
    texts.isEmpty ? "none" : texts.map(shown).joined(separator: ", ")
}

private func anyOf(_ texts: [[UInt8]]?) -> String {
    texts.map { "any of \($0.map(shown).joined(separator: ", "))" } ?? "nothing asked"
}

/// When something is or was, with its distance from now.
private func time(_ instant: Instant, _ now: Instant) -> String {
    PersonTime(instant, now: now).description
}
