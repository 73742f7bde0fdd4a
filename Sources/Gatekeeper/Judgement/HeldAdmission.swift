import JOSE

/// An admission that outlives its request, such as that of a WebSocket: `Judge.review` judges it again as rows move on.
///
/// It keeps what the request said of itself, its token included, so that whatever can decide about a new request can
/// decide about this one: at most a head's bytes (`POOLGATE_MAX_HEAD_BYTES`). A class, since its clock moves on; it
/// belongs to one loop.
package final class HeldAdmission {
    /// Who is calling, under the row that was looked at last; nil where nobody had to say so.
    private(set) var identity: Identity?
    /// The row that was looked at last.
    private(set) var tenantVersion: UInt64 = 0
    /// The generation of revocations that was looked at last.
    private(set) var revocationGeneration: UInt64 = 0
    /// The token that was verified when it was let in.
    let digest: TokenDigest?

    private let request: KeptRequest
    private var hostsEdition: SIMD2<UInt64> = [0, 0]
    /// When the token's expiry ends it. Once there is one, no change takes it away.
    private var expiry = Instant.distantFuture
    /// When the row's bound for a token's age ends it.
    private var ageEnd = Instant.distantFuture

    init(_ request: RequestFacts, digest: TokenDigest?) {
        self.request = KeptRequest(request)
        self.digest = digest
    }

    /// Takes note that it was admitted, again or at first, in a snapshot of these editions.
    func goOn(_ admission: Admission, hosts: SIMD2<UInt64>, revocations: UInt64) {
        let tenant = admission.resolved.tenant
        tenantVersion = tenant.version
        sawNothing(hosts: hosts, revocations: revocations)
        // Where a rule asks for nobody any longer, whoever came with a token keeps the clock that came with it.
        guard let identity = admission.identity else { return }
        self.identity = identity
        var grace: Int64 = 0
        if case .expire(let seconds) = tenant.websockets {
            grace = seconds
            expiry = identity.expires.advanced(bySeconds: grace)
        }
        if let limit = tenant.ageLimit(issuedAt: identity.ids.issuedAt) {
            ageEnd = limit.advanced(bySeconds: grace)
        } else if expiry != .distantFuture {
            ageEnd = .distantFuture
        }
    }

    /// Takes note that nothing of a snapshot concerns it.
    func sawNothing(hosts: SIMD2<UInt64>, revocations: UInt64) {
        hostsEdition = hosts
        revocationGeneration = revocations
    }

    /// Whether it was judged by a snapshot of these editions.
    func hasSeen(hosts: SIMD2<UInt64>, revocations: UInt64) -> Bool {
        hostsEdition == hosts && revocationGeneration == revocations
    }

    /// How its clock ends it at `now`; nil where it does not.
    func end(at now: Instant) -> Refusal? {
        if expiry <= now { return .token(.expired) }
        return ageEnd <= now ? .token(.tooOld) : nil
    }

    /// Calls `body` with the request as it came.
    func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value { request.withFacts(body) }

    /// Calls `body` with the request's host, its name without port.
    func withHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { request.withHost(body) }
}
