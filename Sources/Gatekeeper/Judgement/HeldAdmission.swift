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
        if let limit = TokenChecks.ageLimit(identity.ids.issuedAt, tenant) {
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
        if expiry <= now { return .badToken(.expired) }
        return ageEnd <= now ? .badToken(.tooOld) : nil
    }

    /// Calls `body` with the request as it came.
    func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value { request.withFacts(body) }

    /// Calls `body` with the request's host, its name without port.
    func withHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { request.withHost(body) }
}

/// The facts of a request in memory of their own, all in one piece.
private struct KeptRequest {
    private let bytes: [UInt8]
    private let host: Range<Int>
    private let authority: Range<Int>
    private let method: Range<Int>
    private let path: Range<Int>
    private let query: Range<Int>
    private let authorization: Range<Int>?
    private let authorizationCount: Int
    private let cookies: [Range<Int>]
    private let origin: Range<Int>?
    private let fetchSite: Range<Int>?
    private let isUpgrade: Bool

    init(_ facts: RequestFacts) {
        var bytes: [UInt8] = []
        let parts =
            [facts.host, facts.authority, facts.method, facts.path, facts.query] + facts.cookies
            + [facts.authorization, facts.origin, facts.fetchSite].compactMap { $0 }
        bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        func keep(_ part: UnsafeRawBufferPointer) -> Range<Int> {
            bytes += part
            return (bytes.count - part.count)..<bytes.count
        }
        host = keep(facts.host)
        authority = keep(facts.authority)
        method = keep(facts.method)
        path = keep(facts.path)
        query = keep(facts.query)
        cookies = facts.cookies.map(keep)
        authorization = facts.authorization.map(keep)
        authorizationCount = facts.authorizationCount
        origin = facts.origin.map(keep)
        fetchSite = facts.fetchSite.map(keep)
        isUpgrade = facts.isUpgrade
        self.bytes = bytes
    }

    func withHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[host])) }
    }

    func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value {
        bytes.withUnsafeBytes { bytes in
            func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[range])
            }
            var facts = RequestFacts(
                host: slice(host), authorization: authorization.map(slice),
                authorizationCount: authorizationCount, method: slice(method), path: slice(path))
            facts.authority = slice(authority)
            facts.query = slice(query)
            facts.cookies = cookies.map(slice)
            facts.origin = origin.map(slice)
            facts.fetchSite = fetchSite.map(slice)
            facts.isUpgrade = isUpgrade
            return body(facts)
        }
    }
}
