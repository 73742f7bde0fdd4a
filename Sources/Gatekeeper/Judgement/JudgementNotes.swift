import JOSE

/// Who was refused and what for, as the log says it.
///
/// A class, so that a judgement which refuses nothing carries one empty reference.
package final class RefusalNote: Sendable {
    /// `sub` of the token, cut to `Limits.foundBytes`; empty where no token was read so far.
    package let subject: [UInt8]
    /// Whether the token's signature was verified, so that the subject is who it says.
    package let isSubjectVerified: Bool
    /// What was found; nil where the refusal's code says all.
    package let finding: RefusalFinding?

    init(subject: [UInt8] = [], isSubjectVerified: Bool = false, finding: RefusalFinding? = nil) {
        self.subject = RefusalFinding.cut(subject)
        self.isSubjectVerified = isSubjectVerified
        self.finding = finding
    }

    init(verified identity: Identity, finding: RefusalFinding? = nil) {
        subject = RefusalFinding.cut(Array(identity.ids.subject))
        isSubjectVerified = true
        self.finding = finding
    }
}

/// Listens to a judgement for the log: which rule decides, and of a refusal what was found. Of a check that passes it
/// hears nothing, so that a request which is admitted pays for two stores.
package struct JudgementNotes: CheckListener {
    /// The id of the rule that decides; nil where none is for the path.
    package private(set) var rule: Int64?
    /// What there is to say of the refusal; nil where the request was not refused.
    package private(set) var refusal: RefusalNote?

    @inline(__always)
    mutating func hear(_ check: @autoclosure () -> Check, _ refusal: Refusal?) {
        if refusal != nil { self.refusal = check().note }
    }

    @inline(__always)
    mutating func decides(_ rule: Rule?) { self.rule = rule?.id }
}

extension Check {
    /// What the log says of this check where it refuses a request.
    fileprivate var note: RefusalNote {
        switch self {
        case .host(.row(.misconfigured(let flaw))): RefusalNote(finding: .row(flaw))
        case .host(.directory(let staleAfter?, let now)):
            RefusalNote(finding: .stale(staleAfter, now: now))
        case .host: RefusalNote()
        case .rule(let check): check.note
        case .credential(let check): RefusalNote(finding: check.finding)
        case .claim(let check, let claims, let tenant, let now):
            RefusalNote(subject: claims.subject, finding: check.finding(claims, tenant, now))
        case .caller(let check): check.note
        }
    }
}

extension RuleCheck {
    fileprivate var note: RefusalNote {
        guard case .needs(let rule, let identity, let lack?) = self else { return RefusalNote() }
        let finding: RefusalFinding =
            switch lack {
            case .group:
                .names(
                    asked: RefusalFinding.cut((rule.requiredGroups ?? []) + rule.everyGroup),
                    held: RefusalFinding.cut(identity.groups))
            case .scope:
                .names(
                    asked: RefusalFinding.cut((rule.requiredScopes ?? []) + rule.everyScope),
                    held: RefusalFinding.cut(identity.scopes))
            case .claim:
                .conditions(
                    rule.claims.lazy.filter { !identity.metConditions.contains($0) }
                        .prefix(Limits.foundNames).map { String($0.description.prefix(Limits.foundBytes)) })
            }
        return RefusalNote(verified: identity, finding: finding)
    }
}

extension CredentialCheck {
    fileprivate var finding: RefusalFinding? {
        switch self {
        case .found(.several(let place), _, _): .several(place)
        case .found(_, _, let saysOther): saysOther ? .otherScheme : nil
        case .page(let request, _):
            .page(RefusalFinding.cut(request.origin.map { WebOrigin($0)?.canonical ?? [] } ?? []))
        case .fingerprint, .remembered: nil
        case .readable(let flaw): flaw?.finding
        }
    }
}

extension ClaimCheck {
    fileprivate func finding(_ claims: CognitoClaims, _ tenant: Tenant, _ now: Instant) -> RefusalFinding? {
        switch self {
        case .issuer:
            .issuer(
                RefusalFinding.cut(claims.issuer),
                accepted: RefusalFinding.cut(tenant.pools.lazy.flatMap(\.issuers)))
        case .tokenUse: .tokenUse(claims.tokenUse, accepted: tenant.tokenUses)
        case .client: .client(RefusalFinding.cut(claims.client))
        case .expiry: .expired(claims.expires, now: now)
        case .notBefore: claims.notBefore.map { .ahead(.notBefore, $0, now: now) }
        case .issuedAt: claims.issuedAt.map { .ahead(.issuedAt, $0, now: now) }
        case .age: .age(claims.issuedAt, now: now)
        }
    }
}

extension CallerCheck {
    fileprivate var note: RefusalNote {
        switch self {
        case .end(let identity, let now):
            RefusalNote(
                verified: identity,
                finding: identity.expires <= now
                    ? .expired(identity.expires, now: now) : .age(identity.ids.issuedAt, now: now))
        case .key(let keyID, let pool, _, let subject), .signature(let keyID, let pool, let subject, _):
            RefusalNote(subject: Array(subject), finding: .key(keyID, pool))
        case .withdrawal(let keyID, let pool, let withdrawal, let subject):
            RefusalNote(subject: Array(subject), finding: .withdrawnKey(keyID, pool, withdrawal))
        case .revocation(let identity, let entry):
            RefusalNote(verified: identity, finding: entry.map { .revoked($0) })
        case .groups(let identity, let tenant):
            RefusalNote(
                verified: identity,
                finding: .names(
                    asked: RefusalFinding.cut(tenant.requiredGroups ?? []),
                    held: RefusalFinding.cut(identity.groups)))
        case .scopes(let identity, let tenant):
            RefusalNote(
                verified: identity,
                finding: .names(
                    asked: RefusalFinding.cut(tenant.requiredScopes ?? []),
                    held: RefusalFinding.cut(identity.scopes)))
        }
    }
}
