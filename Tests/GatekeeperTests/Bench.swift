import JOSE
import Testing

@testable import Gatekeeper

/// A judge with one tenant, and requests put to it.
struct Bench {
    let judge = Judge(tokenCacheBytes: 1 << 20, seed: 1)
    /// Judges what `judge` does, with the same memory of tokens, and explains it.
    private let explaining = Judge(tokenCacheBytes: 1 << 20, seed: 1)
    /// Whether requests share one turn's allowance; else each has a turn of its own.
    var countsAllowance = false
    var parser = TenantParser(
        issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil),
        defaultUpstreams: Origin.list("http://app") ?? [])

    init() {
        judge.snapshot.directory = Directory()
    }

    /// Makes the row what stands at its host.
    mutating func serve(_ row: TenantRow) throws {
        judge.snapshot.directory?[try #require(HostPattern(row.host))] = .tenant(try parser.tenant(row))
    }

    /// A row of `fixture`'s pool.
    static func row(
        _ fixture: PoolFixture, host: String = "acme.example.com",
        _ change: (inout TenantRow) -> Void = { _ in }
    ) -> TenantRow {
        var row = TenantRow(
            host: host, region: fixture.pool.region.description, poolID: fixture.pool.poolID.description)
        change(&row)
        return row
    }

    /// The outcome in one word: `admit`, `needsKey`, or the refusal's code.
    func judge(
        _ token: [UInt8]?, host: String = "acme.example.com", scheme: String = "Bearer ", count: Int? = nil,
        at now: Instant = PoolFixture.now, lookup: KeyLookupResult? = nil
    ) -> String {
        switch verdict(token, host: host, scheme: scheme, count: count, at: now, lookup: lookup) {
        case .admit: "admit"
        case .needsKey: "needsKey"
        case .mustWait: "mustWait"
        case .refuse(let refusal, _): refusal.row.code
        }
    }

    /// The identity header lines of an admission, empty for a refusal.
    func lines(_ token: [UInt8], host: String = "acme.example.com") -> [String] {
        guard case .admit(let admission) = verdict(token, host: host) else { return [] }
        return String(decoding: admission.identity?.headerLines ?? [], as: UTF8.self).split(separator: "\r\n")
            .map(
                String.init)
    }

    /// What a connection that outlives its request keeps of the admission of a request; nil for a refusal.
    func held(_ asked: Asked, at now: Instant = PoolFixture.now) -> HeldAdmission? {
        asked.withFacts { facts in
            guard case .admit(let admission) = verdict(of: facts, at: now) else { return nil }
            return judge.hold(admission, facts)
        }
    }

    /// How a review ends what is held: `open`, or the refusal's code.
    func review(_ held: HeldAdmission, at now: Instant = PoolFixture.now) -> String {
        if !countsAllowance { judge.allowance = .max }
        return judge.review(held, at: now).map { $0.row.code } ?? "open"
    }

    /// What a request comes to: `admit`, `needsKey`, or the refusal's code.
    func judge(_ asked: Asked, at now: Instant = PoolFixture.now) -> String {
        switch verdict(asked, at: now) {
        case .admit: "admit"
        case .needsKey: "needsKey"
        case .mustWait: "mustWait"
        case .refuse(let refusal, _): refusal.row.code
        }
    }

    /// The admission of a request; nil for a refusal.
    func admission(_ asked: Asked, at now: Instant = PoolFixture.now) -> Admission? {
        if case .admit(let admission) = verdict(asked, at: now) { admission } else { nil }
    }

    private func verdict(_ asked: Asked, at now: Instant) -> Verdict {
        asked.withFacts { verdict(of: $0, at: now) }
    }

    private func verdict(
        _ token: [UInt8]?, host: String, scheme: String = "Bearer ", count: Int? = nil,
        at now: Instant = PoolFixture.now, lookup: KeyLookupResult? = nil
    ) -> Verdict {
        let value = token.map { Array(scheme.utf8) + $0 }
        return Array(host.utf8).withUnsafeBytes { host in
            guard let value else {
                return verdict(
                    of: RequestFacts(host: host, authorization: nil, authorizationCount: 0), at: now,
                    lookup: lookup)
            }
            return value.withUnsafeBytes { value in
                verdict(
                    of: RequestFacts(host: host, authorization: value, authorizationCount: count ?? 1),
                    at: now,
                    lookup: lookup)
            }
        }
    }

    /// The one way by which the tests' requests are judged: without a listener, with one that remembers the same tokens,
    /// and with one that remembers none, as `poolgate explain` does. All three must agree.
    private func verdict(of facts: RequestFacts, at now: Instant, lookup: KeyLookupResult? = nil) -> Verdict {
        if !countsAllowance { judge.allowance = .max }
        explaining.snapshot = judge.snapshot
        explaining.allowance = judge.allowance
        let verdict = judge.judge(facts, at: now, lookup: lookup)
        expectExplanation(of: verdict, by: explaining, facts, now, lookup)
        if case .mustWait = verdict { return verdict }
        let forgetful = Judge(tokenCacheBytes: 1 << 20, seed: 1)
        forgetful.snapshot = judge.snapshot
        expectExplanation(of: verdict, by: forgetful, facts, now, lookup)
        return verdict
    }

    private func expectExplanation(
        of verdict: Verdict, by judge: Judge, _ facts: RequestFacts, _ now: Instant,
        _ lookup: KeyLookupResult?
    ) {
        var explanation = Explanation()
        let explained = judge.explain(facts, at: now, lookup: lookup, into: &explanation)
        #expect(Bench.summary(explained) == Bench.summary(verdict))
        if case .refuse(let refusal, _) = verdict {
            #expect(explanation.refusal == refusal)
            #expect(explanation.lines.last?.passed == false)
            #expect(explanation.lines.dropLast().allSatisfy { $0.passed })
        } else {
            #expect(explanation.refusal == nil && explanation.lines.allSatisfy { $0.passed })
        }
        let text = explanation.lines.map { $0.expected + $0.actual }.joined()
        let parts = (facts.authorization.map { String(decoding: $0, as: UTF8.self) } ?? "").split(
            separator: ".")
        #expect(parts.allSatisfy { $0.utf8.count < 32 || !text.contains($0) })
    }

    /// Everything that a verdict says.
    private static func summary(_ verdict: Verdict) -> String {
        switch verdict {
        case .admit(let admission):
            """
            admit \(admission.resolved.tenant.version) \(admission.isPreflight) \(admission.path ?? []) \
            \(admission.wouldRefuse.map { "\($0)" } ?? "") \(admission.identity?.headerLines ?? [])
            """
        case .refuse(let refusal, let resolved): "\(refusal) \(resolved?.tenant.version ?? 0)"
        case .needsKey(let key, let resolved): "\(key) \(resolved.tenant.version)"
        case .mustWait(let resolved): "mustWait \(resolved.tenant.version)"
        }
    }
}
