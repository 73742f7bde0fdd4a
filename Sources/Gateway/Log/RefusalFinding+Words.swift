import Gatekeeper
import JOSE

/// What a judgement found, as the log says it: in a sentence for people, and in fields for programs.
extension RefusalFinding {
    /// A sentence without its full stop.
    var sentence: String {
        switch self {
        case .row(let flaw): flaw.description
        case .otherScheme: "Authorization holds no bearer token"
        case .several(let place): "more than one token stands in \(place.words)"
        case .stale(let since, let now):
            "the directory could not be confirmed for longer than max-staleness, since \(span(from: since, to: now))"
        case .revoked(let entry):
            "entry \(entry.id) of poolgate.revocations covers the token by its \(entry.column ?? "pool")"
        case .page(let origin):
            origin.isEmpty ? "no page of one known origin asks" : "a page of \(text(origin)) asks"
        case .unreadable(let flaw): flaw.description
        case .claim(let flaw):
            flaw.isMissing
                ? "the token has no \(flaw.name.rawValue)"
                : "the token's \(flaw.name.rawValue) is of another type than Cognito's"
        case .issuer(let found, let accepted):
            "the token is of \(text(found)), the row takes \(list(accepted))"
        case .tokenUse(let found, let accepted):
            "the token is of the kind \(found?.names.first ?? "that is unknown"), the row takes "
                + accepted.names.joined(separator: " and ")
        case .client(let id): "the token was issued to client \(text(id)), which the row does not list"
        case .expired(let end, let now): "the token expired \(span(from: end, to: now)) ago"
        case .ahead(let name, let time, let now):
            "the token's \(name.rawValue) lies \(span(from: now, to: time)) ahead"
        case .age(let issued?, let now): "the token was issued \(span(from: issued, to: now)) ago"
        case .age(nil, _): "the token does not say when it was issued (iat)"
        case .key(let keyID, let pool): "the token names key \(keyID) of \(pool)"
        case .withdrawnKey(let keyID, let pool, let withdrawal):
            "the token names key \(keyID) of \(pool), \(withdrawal.description)"
        case .names(let asked, let held): "asked for \(list(asked)), the caller has \(list(held))"
        case .conditions(let conditions): "the caller does not meet: \(conditions.joined(separator: "; "))"
        }
    }

    /// The same in parts.
    var fields: [LogLine.Field] {
        switch self {
        case .row, .otherScheme: []
        case .several(let place): [field("place", .text(place.rawValue))]
        case .stale(let since, _): [field("stale_since", .text(since.timestamp))]
        case .revoked(let entry):
            [field("revocation", .number(entry.id)), field("revoked_by", .text(entry.column ?? "pool"))]
        case .page(let origin): origin.isEmpty ? [] : [field("origin", .bytes(origin))]
        case .unreadable(let flaw): [field("part", .text(flaw.part))]
        case .claim(let flaw): [field("claim", .text(flaw.name.rawValue))]
        case .issuer(let found, let accepted):
            [field("token_issuer", .bytes(found)), field("row_issuers", .list(accepted.map(text)))]
        case .tokenUse(let found, let accepted):
            (found.map { [field("token_use", .list($0.names))] } ?? [])
                + [field("row_token_uses", .list(accepted.names))]
        case .client(let id): [field("client_id", .bytes(id))]
        case .expired(let end, let now):
            [
                field("expired_at", .text(end.timestamp)),
                field("expired_seconds", .number(now.seconds(since: end))),
            ]
        case .ahead(let name, let time, let now):
            [
                field("claim", .text(name.rawValue)),
                field("ahead_seconds", .number(time.seconds(since: now))),
            ]
        case .age(let issued, _): issued.map { [field("issued_at", .text($0.timestamp))] } ?? []
        case .key(let keyID, let pool), .withdrawnKey(let keyID, let pool, _):
            [field("kid", .of(keyID)), field("pool", .of(pool))]
        case .names(let asked, let held):
            [field("needs", .list(asked.map(text))), field("has", .list(held.map(text)))]
        case .conditions(let conditions): [field("needs", .list(conditions))]
        }
    }

    private func field(_ name: String, _ value: LogValue) -> LogLine.Field {
        LogLine.Field(name: name, value: value)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private func list(_ names: [[UInt8]]) -> String {
        names.isEmpty ? "none" : names.map(text).joined(separator: ", ")
    }

    private func span(from earlier: Instant, to later: Instant) -> String {
        PersonTime.span(max(0, later.seconds(since: earlier)))
    }
}

extension TokenFlaw {
    /// Which part of the token has the flaw: `form`, `header`, `payload` or `signature`.
    fileprivate var part: String {
        switch self {
        case .tooLong, .partCount, .encrypted: "form"
        case .notBase64URL(let part), .notJSON(let part, _): part.rawValue
        case .signatureLength: "signature"
        case .unsupportedAlgorithm, .missingKeyID, .unusableKeyID, .criticalExtension, .unencodedPayload,
            .compressed, .nested, .unsupportedType:
            "header"
        }
    }
}
