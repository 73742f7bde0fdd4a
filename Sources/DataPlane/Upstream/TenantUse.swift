import Gatekeeper

/// What one tenant holds of one upstream's connections, and how its own requests fared there.
///
/// A class, since the tenant's group, the upstream's pool and each connection that is held refer to it.
final class TenantUse {
    let tenant: HostPattern
    /// Connections held, those being made included.
    private(set) var held = ConnectionShare.Held()
    /// What this tenant's own requests say of the upstream; nobody else's depend on it.
    private(set) var health = UpstreamHealth()
    /// Whether the tenant names no other upstream: the only one is used whatever it does.
    var isOnlyOne: Bool
    private var lastFailure: UInt32?

    init(_ tenant: HostPattern, isOnlyOne: Bool) {
        self.tenant = tenant
        self.isOnlyOne = isOnlyOne
    }

    /// Notes one connection more, or one less.
    func note(_ step: Int, isAnonymous: Bool) {
        held.all += step
        if isAnonymous { held.anonymous += step }
    }

    /// A request of this tenant was responded to.
    func succeeded(at tick: UInt32) {
        if !isOnlyOne { health.succeeded(at: tick) }
    }

    /// A request of this tenant reached the upstream and got no usable response, which may be the request's own doing.
    /// Whether it leaves the upstream out from now on.
    func failed(at tick: UInt32) -> Bool {
        guard !isOnlyOne else { return false }
        lastFailure = tick
        return health.failed(at: tick)
    }

    /// Whether nothing would be lost with it: it holds nothing, and does not leave the upstream out.
    func isForgettable(at tick: UInt32) -> Bool {
        let remembers =
            lastFailure.map { tick &- $0 <= Limits.longestEjectionTicks + Limits.returnTicks } ?? false
        return held.all == 0 && !remembers
    }
}
