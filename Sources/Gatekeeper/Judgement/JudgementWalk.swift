import HTTPMessage
import JOSE

/// The one walk by which requests are judged, and judgements explained: host, row, rule, credential, caller.
///
/// It remembers what it met, hosts and tokens, for one loop. A value with one owner, the loop's judge, so that a
/// judgement asks for access to all of it once.
struct JudgementWalk: ~Copyable {
    /// What is judged by; replaced whole.
    var snapshot = Snapshot() {
        didSet {
            tokens.revocations = snapshot.directory?.revocations
            tokens.hasAssertions = snapshot.assertions != nil
            tokens.withdrawnKeys = snapshot.directory?.withdrawnKeys ?? WithdrawnKeys()
            guard snapshot.hostsEdition != oldValue.hostsEdition else { return }
            hosts.begin(hosts: snapshot.directory?.count ?? 0)
        }
    }
    /// Who the callers behind tokens are.
    var tokens: TokenVerifier
    private var hosts: HostCache

    /// A walk without a directory; it remembers tokens within so many bytes, and hosts under hashes made with `seed`.
    init(tokenCacheBytes: Int, seed: UInt64) {
        tokens = TokenVerifier(cacheBytes: tokenCacheBytes)
        hosts = HostCache(seed: seed)
    }

    /// Judges what is new or open at `now`, and makes each check known to `listener`.
    mutating func judge<Listener: CheckListener>(
        _ request: RequestFacts, _ asker: Asker, _ now: Instant, _ listener: inout Listener
    ) -> Verdict {
        let resolved: ResolvedTenant
        do throws(Refusal) {
            resolved = try resolve(request.host, now, &listener)
        } catch {
            return .refuse(error, nil)
        }
        do throws(Refusal) {
            try checkRow(of: resolved, needsUpstream: request.needsUpstream, &listener)
            if resolved.hasRules { return try judgeByRules(request, resolved, asker, now, &listener) }
            listener.passed(.rule(.none))
            if request.isPreflight, resolved.allowsPreflights {
                listener.passed(.rule(.preflight))
                return .admit(Admission(resolved: resolved, identity: nil, isPreflight: true))
            }
            return try judgeCredential(request, resolved, asker, now, &listener)
        } catch {
            return .refuse(error, resolved)
        }
    }

    // MARK: The host and its row

    /// Finds the tenant that a host leads to, whose row can be served.
    mutating func resolve<Listener: CheckListener>(
        _ name: UnsafeRawBufferPointer, _ now: Instant, _ listener: inout Listener
    ) throws(Refusal) -> ResolvedTenant {
        if now > snapshot.staleAfter {
            throw listener.refused(
                .host(.directory(staleAfter: snapshot.staleAfter, now: now)), .gateway(.stale))
        }
        if let known = hosts.resolved(for: name) {
            listener.passed(.host(.host(name)))
            return known
        }
        guard let directory = snapshot.directory else {
            throw listener.refused(.host(.directory(staleAfter: nil, now: now)), .gateway(.starting))
        }
        guard let host = Host(request: name), let entry = directory.entry(for: host) else {
            throw listener.refused(.host(.host(name)), .host(.unknown))
        }
        listener.passed(.host(.host(name)))
        switch entry {
        case .misconfigured:
            throw listener.refused(.host(.row(entry)), .host(.misconfigured))
        case .tenant(let tenant):
            let resolved = ResolvedTenant(tenant, snapshot, host: name, generation: hosts.generation)
            hosts.insert(resolved)
            return resolved
        }
    }

    private func checkRow<Listener: CheckListener>(
        of resolved: ResolvedTenant, needsUpstream: Bool, _ listener: inout Listener
    ) throws(Refusal) {
        try listener.check(
            .host(.row(.tenant(resolved.tenant))), !resolved.isSuspended, else: .host(.suspended))
        guard needsUpstream else { return }
        try listener.check(.host(.upstream(resolved.tenant)), resolved.hasUpstream, else: .host(.noUpstream))
    }

    // MARK: The rule

    private mutating func judgeByRules<Listener: CheckListener>(
        _ request: RequestFacts, _ resolved: ResolvedTenant, _ asker: Asker, _ now: Instant,
        _ listener: inout Listener
    ) throws(Refusal) -> Verdict {
        let (rule, shadow, normal) = try findRule(request, resolved, &listener)
        listener.decides(rule)
        var admission = Admission(resolved: resolved, identity: nil)
        let needsToken: Bool
        if request.isPreflight, resolved.allowsPreflights {
            listener.passed(.rule(.preflight))
            admission.isPreflight = true
            needsToken = false
        } else {
            needsToken = rule?.access != .public
        }
        if needsToken {
            let isOptional = rule?.access == .optional
            let verdict = try judgeCredential(
                request, resolved, asker, now, isOptional: isOptional, &listener)
            guard case .admit(let admitted) = verdict else { return verdict }
            admission = admitted
            if let rule, let identity = admission.identity {
                try check(identity, has: rule, &listener)
            }
        }
        admission.path = normal
        if case .new = asker, let shadow,
            let refusal = refusal(by: shadow, of: admission, request, now, hadToken: needsToken)
        {
            listener.passed(.rule(.shadow(refusal)))
            admission.wouldRefuse = (shadow.id, refusal)
        }
        return .admit(admission)
    }

    private func findRule<Listener: CheckListener>(
        _ request: RequestFacts, _ resolved: ResolvedTenant, _ listener: inout Listener
    ) throws(Refusal) -> (rule: Rule?, shadow: Rule?, normal: [UInt8]?) {
        // Some services read `post` as `POST`, and would serve it past the rule for `POST`.
        if request.method.contains(where: ASCII.isLower) {
            throw listener.refused(.rule(.method(request.method)), .request(.methodCase))
        }
        let decision: RuleSet.Decision
        do throws(Refusal) {
            decision = try resolved.tenant.rules.decision(method: request.method, written: request.path)
        } catch {
            throw listener.refused(.rule(.path(request.path, normal: nil, flaw: error)), error)
        }
        let (rule, shadow) = decision.found
        listener.passed(.rule(.path(request.path, normal: decision.normal, flaw: nil)))
        listener.passed(.rule(.found(rule, shadow: shadow, method: request.method)))
        return (rule, shadow, decision.normal)
    }

    private func check<Listener: CheckListener>(
        _ identity: Identity, has rule: Rule, _ listener: inout Listener
    ) throws(Refusal) {
        if let lack = RuleChecks.lack(of: identity, by: rule) {
            throw listener.refused(.rule(.needs(rule, identity, lacks: lack)), lack.refusal)
        }
        listener.passed(.rule(.needs(rule, identity, lacks: nil)))
    }

    /// How a rule in shadow would refuse what is admitted; nil also where that could not be found out at once.
    ///
    /// Where nobody's token was needed, none has been looked at yet, and nobody hears of it that one is now.
    private mutating func refusal(
        by shadow: Rule, of admission: Admission, _ request: RequestFacts, _ now: Instant, hadToken: Bool
    ) -> Refusal? {
        if shadow.access == .public { return nil }
        var identity = admission.identity
        if !hadToken {
            do throws(Refusal) {
                var unheard = Unheard()
                let verdict = try judgeCredential(
                    request, admission.resolved, .new(nil), now, isOptional: true, &unheard)
                guard case .admit(let judged) = verdict else { return nil }
                identity = judged.identity
            } catch {
                return error
            }
        }
        guard let identity else { return shadow.access == .optional ? nil : .credential(.missingToken) }
        return RuleChecks.lack(of: identity, by: shadow)?.refusal
    }

    // MARK: The credential and its caller

    /// Judges the credential and the caller behind it; where `isOptional`, a request without any is admitted as nobody's.
    private mutating func judgeCredential<Listener: CheckListener>(
        _ request: RequestFacts, _ resolved: ResolvedTenant, _ asker: Asker, _ now: Instant,
        isOptional: Bool = false, _ listener: inout Listener
    ) throws(Refusal) -> Verdict {
        let credential = credential(of: request, resolved)
        let token: UnsafeRawBufferPointer
        switch credential {
        case .none:
            try listener.check(
                .credential(
                    .found(
                        credential, isOptional: isOptional,
                        saysOther: request.authorization.map { !$0.isEmpty } ?? false)), isOptional,
                else: .credential(.missingToken))
            return .admit(Admission(resolved: resolved, identity: nil))
        case .several:
            throw listener.refused(
                .credential(.found(credential, isOptional: isOptional, saysOther: false)),
                .credential(.multipleCredentials))
        case .token(let bytes, let source):
            listener.passed(.credential(.found(credential, isOptional: isOptional, saysOther: false)))
            if source == .cookie { try checkPage(of: request, resolved, &listener) }
            token = bytes
        }
        switch try tokens.find(token, resolved, asker, now, &listener) {
        case .identity(let identity):
            try check(identity, hasWhatRowAsks: resolved, &listener)
            return .admit(Admission(resolved: resolved, identity: identity))
        case .needsKey(let key): return .needsKey(key, resolved)
        case .mustWait: return .mustWait(resolved)
        }
    }

    /// What the request has for a credential, in the places in which the tenant lets one stand.
    func credential(of request: RequestFacts, _ resolved: ResolvedTenant) -> Credential {
        resolved.hasOtherSources
            ? Credential(request, resolved.tenant)
            : Credential(authorization: request.authorization, count: request.authorizationCount)
    }

    /// Checks that no other site's page makes a browser send its cookie for what may change something.
    private func checkPage<Listener: CheckListener>(
        of request: RequestFacts, _ resolved: ResolvedTenant, _ listener: inout Listener
    ) throws(Refusal) {
        guard !request.isSafe || request.isUpgrade else { return }
        try listener.check(
            .credential(.page(request, resolved.tenant)),
            request.isFrom(hostItselfOr: resolved.tenant.corsOrigins), else: .credential(.crossSite))
    }

    /// Checks what the caller may do, by the row as it is now.
    private func check<Listener: CheckListener>(
        _ identity: Identity, hasWhatRowAsks resolved: ResolvedTenant, _ listener: inout Listener
    ) throws(Refusal) {
        try listener.check(
            .caller(.groups(identity, resolved.tenant)),
            !resolved.needsGroup
                || HeldNames.holdsAny(identity.groups, of: resolved.tenant.requiredGroups),
            else: .credential(.missingGroup))
        try listener.check(
            .caller(.scopes(identity, resolved.tenant)),
            !resolved.needsScope
                || HeldNames.holdsAny(identity.scopes, of: resolved.tenant.requiredScopes),
            else: .credential(.missingScope))
    }
}
