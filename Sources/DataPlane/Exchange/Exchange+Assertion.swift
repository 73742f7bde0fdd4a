import Gatekeeper

/// The assertion that an admitted request carries to its upstream.
extension Exchange {
    /// Finds it, or signs it; false where that must wait for the tenant's turn. `isPaid` where this is that turn.
    ///
    /// Where the row has several upstreams one is chosen for that already, since the assertion is for it alone. `assertion`
    /// is nil afterwards where none is sent.
    func findAssertion(for admission: Admission, isPaid: Bool) -> Bool {
        assertion = nil
        guard let identity = admission.identity else { return true }
        let resolved = admission.resolved
        var audience = AssertionAudience.row
        // Of a question nobody here chooses the upstream.
        if resolved.choosesAudience, question == nil {
            chosen = upstreams.choose(from: upstreams.group(for: resolved))
            audience = place(of: chosen, in: resolved) ?? .row
        }
        let finding = worker.judge.assertion(
            of: identity, resolved, for: audience, at: judgedAt, isPaid: isPaid,
            jti: worker.ids.requestID().description)
        switch finding {
        case .nothing: return true
        case .found(let found):
            assertion = found
            return true
        case .mustWait: return false
        }
    }

    /// Where the request goes to another upstream than was chosen first, because that failed or because the client has a
    /// connection of its own, the assertion is signed again for that one. No turn is waited for: it happens where an
    /// upstream fails, once a request.
    func readdressAssertion() {
        guard let tenant, let before = assertion else { return }
        let audience = place(of: member, in: tenant)
        guard audience != before.audience else { return }
        assertion = nil
        // An upstream that the row named only later gets none.
        if let audience {
            let finding = worker.judge.assertion(
                of: identity, tenant, for: audience, at: worker.clock.now, isPaid: true,
                jti: worker.ids.requestID().description)
            if case .found(let found) = finding { assertion = found }
        }
        RequestHeadWriter.replace(before, by: assertion, in: &outboundHead)
    }

    private func place(of member: UpstreamGroup.Member?, in resolved: ResolvedTenant) -> AssertionAudience? {
        guard let upstream = member?.pool.upstream else { return nil }
        return resolved.tenant.upstreams.firstIndex(of: upstream).map { .upstream($0) }
    }
}
