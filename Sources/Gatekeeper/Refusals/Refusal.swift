/// Why a request is not forwarded; one closed list for every surface, grouped by whose fault it is.
package enum Refusal: Error, Hashable, Sendable {
    // The message (RFC 9112); the word names the exact flaw in logs.
    case badRequest(StaticWord)
    /// A method with a lower-case letter where a tenant has rules: some services read `post` as `POST`.
    case methodCase
    case bodyTooLarge
    case targetTooLong(StaticWord)
    case headTooLarge(StaticWord)
    case headTimeout
    case methodNotAllowed(StaticWord)
    case versionNotSupported(StaticWord)
    case expectationFailed, loop
    /// A WebSocket handshake of a version that is not spoken (RFC 6455 §4.4).
    case upgradeRequired
    // The host and its row; misdirected is a host beyond the certificate that the connection was given.
    case misdirected, unknownHost, tenantSuspended
    case tenantMisconfigured(RowFlaw)
    case noUpstream
    /// An open WebSocket of a row that carries none any longer; no request meets it.
    case webSocketsOff
    // The credential.
    case missingToken, multipleCredentials
    case badToken(TokenRefusal)
    case missingGroup, missingScope, missingClaim
    /// A token from a cookie, for an unsafe method or an upgrade that no page of the host itself asked for.
    case crossSite
    // The gateway's own state.
    case keysUnavailable, starting, stale, overloaded
    // The upstream.
    case upstream(UpstreamFault)
}

extension Refusal {
    /// What the log says besides the code: which flaw a malformed request has.
    package var word: String {
        if case .badRequest(let word) = self { word.description } else { "" }
    }
}

/// Which check a token failed; the client never learns more than "expired" or "not acceptable".
package enum TokenRefusal: String, Error, Hashable, Sendable, CaseIterable {
    case malformedToken = "malformed_token"
    case unsupportedAlgorithm = "unsupported_algorithm"
    case malformedClaim = "malformed_claim"
    case wrongIssuer = "wrong_issuer"
    case wrongTokenUse = "wrong_token_use"
    case wrongClient = "wrong_client"
    case expired = "expired"
    case notYetValid = "not_yet_valid"
    case issuedInFuture = "issued_in_future"
    case unknownKey = "unknown_key"
    case badSignature = "bad_signature"
    case tooOld = "too_old"
    case revoked = "revoked"
}

/// How an upstream failed a request.
package enum UpstreamFault: String, Hashable, Sendable, CaseIterable {
    case refused = "upstream_refused"
    case unreachable = "upstream_unreachable"
    case forbidden = "upstream_forbidden"
    case reset = "upstream_reset"
    case badAnswer = "upstream_bad_answer"
    case tlsFailed = "upstream_tls"
    case connectTimeout = "upstream_connect_timeout"
    case answerTimeout = "upstream_timeout"
}

/// A machine word fixed at compile time, comparable by its text.
package struct StaticWord: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    let text: StaticString

    package init(stringLiteral word: StaticString) {
        self.text = word
    }

    package var description: String { text.description }

    package static func == (left: StaticWord, right: StaticWord) -> Bool {
        left.description.utf8.elementsEqual(right.description.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(description)
    }
}
