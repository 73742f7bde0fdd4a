/// How many connections to upstreams one loop may have, and how many of them it keeps idle.
///
/// A class, since all pools of the loop count in it.
final class ConnectionBudget {
    /// The share of this loop in what the process may have of connections to one upstream, and of idle ones to all.
    let connectionLimit: Int
    let idleLimit: Int
    /// Idle connections of all pools.
    private(set) var idleCount = 0
    /// Makes room, once more are idle than may be.
    var whenExceeded: () -> Void = {}

    init(_ settings: ProxySettings) {
        connectionLimit = max(1, settings.maxUpstreamConnections / settings.workers)
        idleLimit = max(
            1, min(Limits.idleUpstreamConnections, settings.descriptorLimit / 4) / settings.workers)
    }

    /// Notes so many idle connections more, or less.
    func note(_ step: Int) {
        idleCount += step
    }

    /// Makes room where there are too many.
    func check() {
        if idleCount > idleLimit { whenExceeded() }
    }
}
