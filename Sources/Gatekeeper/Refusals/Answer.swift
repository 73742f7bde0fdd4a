/// What a refusal looks like on the wire and in the log: the one table that maps it.
package struct Answer: Sendable {
    /// The HTTP status.
    package let status: Int
    /// `error` of the JSON body: what the client may know.
    package let error: String
    /// `error_description` of the JSON body, one sentence.
    package let description: String
    /// The exact reason, for logs, metrics and `explain`; never sent.
    package let code: String
    /// What stands in `WWW-Authenticate` (RFC 6750 §3).
    package let challenge: Challenge
    /// Seconds in `Retry-After`, where trying again can help.
    package var retryAfterSeconds: Int?
    /// Whether the fault lies with the gateway's side and not with the caller's.
    package var isOurFault: Bool { status >= 500 }

    /// The three kinds of `WWW-Authenticate`: absent, without `error`, and with one.
    package enum Challenge: Sendable, Equatable {
        case none
        case bare
        case error(String)
    }

    private init(
        _ status: Int, _ error: String, _ description: String, code: String? = nil,
        challenge: Challenge = .none, retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        self.error = error
        self.description = description
        self.code = code ?? error
        self.challenge = challenge
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The answer to `refusal`.
    package init(_ refusal: Refusal) {
        switch refusal {
        case .badRequest, .methodCase, .bodyTooLarge, .targetTooLong, .headTooLarge, .headTimeout,
            .methodNotAllowed,
            .versionNotSupported, .expectationFailed, .loop, .upgradeRequired:
            self = Answer.message(refusal)
        case .misdirected, .unknownHost, .tenantSuspended, .tenantMisconfigured, .noUpstream, .webSocketsOff:
            self = Answer.row(refusal)
        case .missingToken, .multipleCredentials, .badToken, .missingGroup, .missingScope, .missingClaim,
            .crossSite:
            self = Answer.credential(refusal)
        case .keysUnavailable, .starting, .stale, .overloaded:
            self = Answer.gateway(refusal)
        case .upstream(let fault):
            self = Answer.upstream(fault)
        }
    }

    private static func message(_ refusal: Refusal) -> Answer {
        switch refusal {
        case .targetTooLong(let word):
            Answer(414, "target_too_long", "The request target is too long.", code: word.description)
        case .headTooLarge(let word):
            Answer(
                431, "head_too_large", "The request's header section is too large.", code: word.description)
        case .methodNotAllowed(let word):
            Answer(405, "method_not_allowed", "This method is not served here.", code: word.description)
        case .versionNotSupported(let word):
            Answer(
                505, "version_not_supported", "Only HTTP/1.1 and HTTP/1.0 are served.", code: word.description
            )
        case .methodCase: Answer(400, "method_case", "Methods are written in upper case here.")
        case .bodyTooLarge: Answer(413, "body_too_large", "The request's body is too large.")
        case .headTimeout: Answer(408, "head_timeout", "The request's head did not arrive in time.")
        case .expectationFailed:
            Answer(417, "expectation_failed", "Only 'Expect: 100-continue' is understood.")
        case .upgradeRequired:
            Answer(426, "upgrade_required", "Only version 13 of WebSocket is carried.")
        case .loop: Answer(508, "loop", "The request has passed through this gateway already.")
        case .badRequest(let word):
            Answer(400, "bad_request", "The request is malformed or ambiguous.", code: word.description)
        default: Answer(400, "bad_request", "The request is malformed or ambiguous.")
        }
    }

    private static func row(_ refusal: Refusal) -> Answer {
        switch refusal {
        case .tenantSuspended: Answer(403, "tenant_suspended", "This host is suspended.")
        case .webSocketsOff: Answer(403, "websockets_off", "This host carries no WebSocket.")
        case .noUpstream: Answer(503, "no_upstream", "No upstream is configured for this host.")
        case .misdirected:
            Answer(421, "misdirected", "This connection's certificate does not cover this host.")
        case .tenantMisconfigured:
            Answer(503, "tenant_misconfigured", "This host is not configured correctly.")
        default: Answer(421, "unknown_host", "This host is not served here.")
        }
    }

    private static func credential(_ refusal: Refusal) -> Answer {
        switch refusal {
        case .multipleCredentials:
            Answer(
                400, "multiple_credentials", "The request carries more than one credential.",
                challenge: .error("invalid_request"))
        case .badToken(.expired):
            Answer(
                401, "invalid_token", "The token has expired.", code: TokenRefusal.expired.rawValue,
                challenge: .error("invalid_token"))
        case .badToken(let reason):
            Answer(
                401, "invalid_token", "The token is not acceptable here.", code: reason.rawValue,
                challenge: .error("invalid_token"))
        case .missingGroup:
            Answer(
                403, "missing_group", "The caller is in none of the groups that this needs.",
                challenge: .error("insufficient_scope"))
        case .missingScope:
            Answer(
                403, "missing_scope", "The token has none of the scopes that this needs.",
                challenge: .error("insufficient_scope"))
        case .missingClaim:
            Answer(
                403, "missing_claim", "The caller lacks a claim that this needs.",
                challenge: .error("insufficient_scope"))
        case .crossSite:
            Answer(403, "cross_site", "A token from a cookie is not taken from another site's page here.")
        default: Answer(401, "missing_token", "A bearer token is needed.", challenge: .bare)
        }
    }

    private static func gateway(_ refusal: Refusal) -> Answer {
        switch refusal {
        case .keysUnavailable:
            Answer(
                503, "keys_unavailable", "The keys to verify tokens with cannot be had at the moment.",
                retryAfterSeconds: 5)
        case .stale:
            Answer(503, "stale", "The tenant directory is too old to be trusted.", retryAfterSeconds: 5)
        case .overloaded: Answer(503, "overloaded", "Too much is waiting already.", retryAfterSeconds: 1)
        default: Answer(503, "starting", "The gateway has no tenant directory yet.", retryAfterSeconds: 1)
        }
    }

    private static func upstream(_ fault: UpstreamFault) -> Answer {
        switch fault {
        case .connectTimeout, .answerTimeout:
            Answer(504, fault.rawValue, "The upstream did not answer in time.")
        case .refused, .unreachable, .forbidden, .tlsFailed:
            Answer(502, fault.rawValue, "The upstream cannot be reached.")
        case .reset, .badAnswer: Answer(502, fault.rawValue, "The upstream gave no usable answer.")
        }
    }
}
