import JOSE

/// An admission that outlives its request, such as that of a WebSocket.
///
/// `Judge.review` judges it again whenever rows, rules, keys or revocations have changed. It keeps what the request said
/// of itself, the token included, so that a review can look at everything that a judgement of a new request looks at.
/// That is at most as many bytes as a head has (`POOLGATE_MAX_HEAD_BYTES`). A class, because what it remembers changes
/// with each review; it belongs to one loop.
package final class HeldAdmission {
    /// Who is calling, by the row that the last review went by; nil where no token was needed.
    private(set) var identity: Identity?
    /// The version of the row that the last review went by.
    private(set) var tenantVersion: UInt64 = 0
    /// The generation of the revocations that the last review went by.
    private(set) var revocationGeneration: UInt64 = 0
    /// The fingerprint of the token that was verified when the request was admitted; nil where none was.
    let fingerprint: TokenFingerprint?

    /// Whether it is a WebSocket's, and no call's.
    let isWebSocket: Bool

    private let request: KeptRequest
    private var hostsEdition: SIMD2<UInt64> = [0, 0]
    /// When the token's expiry ends the connection. Once it is set, no change of a row takes it away.
    private var expiry = Instant.distantFuture
    /// When the row's bound for a token's age ends the connection.
    private var ageEnd = Instant.distantFuture

    /// What is kept of `request`, whose token has this fingerprint.
    init(_ request: RequestFacts, fingerprint: TokenFingerprint?) {
        self.isWebSocket = request.isUpgrade
        self.request = KeptRequest(request)
        self.fingerprint = fingerprint
    }

    /// Remembers that the request was admitted, at first or again, by a snapshot of these editions.
    func admitted(_ admission: Admission, hosts: SIMD2<UInt64>, revocations: UInt64) {
        let tenant = admission.resolved.tenant
        tenantVersion = tenant.version
        sawNoChange(hosts: hosts, revocations: revocations)
        // Where a rule asks for nobody any longer, whoever came with a token keeps the clock that came with it.
        guard let identity = admission.identity else { return }
        self.identity = identity
        var grace: Int64 = 0
        if case .close(let seconds) = tenant.atExpiry {
            grace = seconds
            expiry = identity.expires.advanced(bySeconds: grace)
        }
        if let limit = tenant.ageLimit(issuedAt: identity.ids.issuedAt) {
            ageEnd = limit.advanced(bySeconds: grace)
        } else if expiry != .distantFuture {
            ageEnd = .distantFuture
        }
    }

    /// Remembers that a snapshot of these editions changes nothing for this admission.
    func sawNoChange(hosts: SIMD2<UInt64>, revocations: UInt64) {
        hostsEdition = hosts
        revocationGeneration = revocations
    }

    /// Whether the last review went by a snapshot of these editions.
    func hasSeen(hosts: SIMD2<UInt64>, revocations: UInt64) -> Bool {
        hostsEdition == hosts && revocationGeneration == revocations
    }

    /// Why the connection must end at `now`, by its token's expiry or age; nil where it may go on.
    func end(at now: Instant) -> Refusal? {
        if expiry <= now { return .token(.expired) }
        return ageEnd <= now ? .token(.tooOld) : nil
    }

    /// Calls `body` with the request as it came.
    func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value { request.withFacts(body) }

    /// Calls `body` with the request's host, its name without port.
    func withHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { request.withHost(body) }
}
