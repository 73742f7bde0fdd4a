package import Gatekeeper

/// What one loop said of itself when it was asked last: its counters, and how things stand on it.
package struct LoopReading: Sendable {
    /// When it was, in nanoseconds of the monotonic clock.
    package let at: UInt64
    /// What it counted since it began.
    package let counters: LoopCounters
    /// How things stand on it.
    package let figures: LoopFigures
    /// Its connections to upstreams: those left out first, then the busiest, `Limits.shownUpstreams` at most.
    package let upstreams: [UpstreamFigures]
    /// What it counted for tenants since it was asked before.
    let tenants: TenantCountsReading
}

/// How things stand on one loop, or on several together.
package struct LoopFigures: Sendable {
    /// Clients' connections that are open.
    package var clientConnections = 0
    /// WebSockets that are open.
    package var webSockets = 0
    /// Requests that wait for their tenant's turn to have a token verified.
    package var waitingVerifications = 0
    /// Connections that are read from again in turn, after a refusal.
    package var heldBackConnections = 0
    /// Batches of work between two looks at the sockets, since the loop began.
    package var batches: UInt64 = 0
    /// The cache of verified tokens.
    package var tokens = TokenFigures()
    /// Connections to upstreams.
    package var upstreams = UpstreamFigures(upstream: "")
    /// Upstreams with a pool of connections.
    package var upstreamPools = 0
    /// Upstreams that are left out for everybody at the moment.
    package var ejectedUpstreams = 0
    /// How late the latest ticks of the loop's clock came at most, in nanoseconds; over 16 to 32 s.
    package var tickDelay: UInt64 = 0
    /// The number of the snapshot that the loop judges by.
    package var snapshotEpoch: UInt64 = 0

    /// Figures of nothing.
    package init() {}

    /// Takes in those of another loop: numbers are added, of delays and snapshots the worse one stays.
    package mutating func add(_ other: LoopFigures) {
        clientConnections += other.clientConnections
        webSockets += other.webSockets
        waitingVerifications += other.waitingVerifications
        heldBackConnections += other.heldBackConnections
        batches &+= other.batches
        tokens.add(other.tokens)
        upstreams.add(other.upstreams)
        upstreamPools += other.upstreamPools
        ejectedUpstreams += other.ejectedUpstreams
        tickDelay = max(tickDelay, other.tickDelay)
        snapshotEpoch = min(snapshotEpoch, other.snapshotEpoch)
    }
}

/// One upstream's connections.
package struct UpstreamFigures: Sendable {
    /// Its origin, such as `http://127.0.0.1:8000`; empty for all of them together.
    package let upstream: String
    /// Connections that are open, the idle ones included.
    package var open = 0
    /// Those that carry no request.
    package var idle = 0
    /// Connections that are being made.
    package var connecting = 0
    /// Requests that wait in line for a connection to be free.
    package var waiting = 0
    /// Loops that leave it out for everybody at the moment.
    package var ejections = 0

    /// Figures of an upstream without connections.
    package init(upstream: String) {
        self.upstream = upstream
    }

    /// Takes in another loop's.
    package mutating func add(_ other: UpstreamFigures) {
        open += other.open
        idle += other.idle
        connecting += other.connecting
        waiting += other.waiting
        ejections += other.ejections
    }

    /// Whether this one rather than `other` is shown where there is no room for both.
    package func isShown(before other: UpstreamFigures) -> Bool {
        (ejections, waiting, open, other.upstream) > (other.ejections, other.waiting, other.open, upstream)
    }
}
