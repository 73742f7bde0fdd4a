/// What the gateway itself lacks to judge or carry a request; trying again soon can help.
package enum GatewayRefusal: Hashable, Sendable, CaseIterable {
    /// The keys of the token's pool are not there, or not to be trusted any longer.
    case keysUnavailable
    /// No tenant directory was read yet.
    case starting
    /// The tenant directory is older than the operator allows.
    case stale
    /// A bound on what waits is reached.
    case overloaded
}

extension GatewayRefusal {
    var row: RefusalRow {
        switch self {
        case .keysUnavailable:
            RefusalRow(
                .serviceUnavailable, "keys_unavailable",
                "The keys to verify tokens with cannot be had at the moment.",
                fields: [.retryAfter(seconds: 5)], closesConnection: false, level: .warning,
                meaning: "the pool's keys could not be fetched, or those there are older than 24 h, or the "
                    + "fetch for this `kid` failed", remedy: "`poolgate pools` has the reason")
        case .starting:
            RefusalRow(
                .serviceUnavailable, "starting", "The gateway has no tenant directory yet.",
                fields: [.retryAfter(seconds: 1)], closesConnection: false, level: .warning,
                meaning: "no tenants were read yet", remedy: "look at the database; `/ready` says why")
        case .stale:
            RefusalRow(
                .serviceUnavailable, "stale", "The tenant directory is too old to be trusted.",
                fields: [.retryAfter(seconds: 5)], closesConnection: false, level: .warning,
                meaning: "the directory is older than `max-staleness`", remedy: "look at the database")
        case .overloaded:
            RefusalRow(
                .serviceUnavailable, "overloaded", "Too much is waiting already.",
                fields: [.retryAfter(seconds: 1)], closesConnection: false, level: .warning,
                meaning: "a bound is reached: connections in all or of one address, this tenant's waiting "
                    + "tokens, or its share of connections to its upstream; `detail` says which",
                remedy:
                    "look at `max-connections`, `max-connections-per-address`, `max-upstream-connections` "
                    + "and the service's speed")
        }
    }
}
