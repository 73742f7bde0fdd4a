package import Gatekeeper
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a request under way asks of the control plane: waits for a key, at most three seconds.
package typealias KeySource = @Sendable (WantedKey) async -> KeyAnswer

/// Everything that belongs to one event loop: its judge, its upstream connections, its clients, its clock.
///
/// A class, because every connection of the loop refers to it. It never leaves its loop, so nothing is locked.
final class Worker {
    let loop: any EventLoop
    let settings: ProxySettings
    let judge: Judge
    let keys: KeySource
    let records: RecordRing
    let resolver: UpstreamResolver
    let feed: SnapshotFeed
    /// This gateway's name in `Via`, unlike that of any other instance.
    let pseudonym: [UInt8]

    /// The loop's coarse clock: turns of `Limits.tick` since the start.
    private(set) var tick: UInt32 = 0
    private(set) var isDraining = false
    private var clients: [ObjectIdentifier: ClientConnection] = [:]
    private var pools: [Origin: UpstreamPool] = [:]
    private var ticker: RepeatedTask?
    private var whenIdle: EventLoopPromise<Void>?
    private var dateSecond: Int64 = .min
    private var dateText: [UInt8] = []

    init(
        loop: any EventLoop, settings: ProxySettings, keys: @escaping KeySource, records: RecordRing,
        resolver: UpstreamResolver, feed: SnapshotFeed, pseudonym: [UInt8]
    ) {
        self.feed = feed
        self.loop = loop
        self.settings = settings
        self.keys = keys
        self.records = records
        self.resolver = resolver
        self.pseudonym = pseudonym
        let share = max(settings.tokenCacheBytes / settings.workers, Limits.tokenCacheBytesPerLoop)
        self.judge = Judge(tokenCacheBytes: share, seed: .random(in: .min ... .max))
    }

    /// Starts the clock and the flow of snapshots.
    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        feed.subscribe(loop) { bound.value.takeLatest() }
        ticker = loop.scheduleRepeatedTask(initialDelay: Limits.tick, delay: Limits.tick) { _ in
            bound.value.turn()
        }
    }

    /// Takes the newest snapshot, where there is a newer one.
    func takeLatest() {
        let latest = feed.taken(by: loop)
        if latest.epoch != judge.snapshot.epoch { judge.snapshot = latest }
    }

    /// One of a tenant's upstreams, of which there is at least one.
    func choose(_ upstreams: [Origin]) -> Origin {
        upstreams.count == 1 ? upstreams[0] : upstreams[Int.random(in: upstreams.indices)]
    }

    /// The wall clock, for a token's times.
    var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    /// `Date` of the gateway's own answers (RFC 9110 §5.6.7), made once a second.
    func date(at now: Instant) -> [UInt8] {
        let second = now.seconds(since: Instant(nanoseconds: 0))
        if second != dateSecond {
            dateSecond = second
            dateText = HTTPDate.bytes(secondsSinceEpoch: second)
        }
        return dateText
    }

    /// The connections to `origin`, made on first use.
    func pool(for origin: Origin) -> UpstreamPool {
        if let pool = pools[origin] { return pool }
        let pool = UpstreamPool(origin: origin, worker: self)
        pools[origin] = pool
        return pool
    }

    /// How many idle upstream connections one pool of this loop may keep.
    var idleUpstreamLimit: Int {
        max(1, min(Limits.idleUpstreamConnections, settings.descriptorLimit / 4) / settings.workers)
    }

    // MARK: Clients

    func opened(_ client: ClientConnection) {
        clients[ObjectIdentifier(client)] = client
        // Accepted just before the listener closed.
        guard isDraining else { return }
        let bound = NIOLoopBound(client, eventLoop: loop)
        loop.execute { bound.value.drain() }
    }

    func closed(_ client: ClientConnection) {
        clients[ObjectIdentifier(client)] = nil
        if clients.isEmpty { whenIdle?.succeed() }
    }

    private func turn() {
        tick &+= 1
        for client in Array(clients.values) { client.turn(tick) }
        for (origin, pool) in pools {
            pool.turn(tick)
            if pool.isUnused { pools[origin] = nil }
        }
    }

    // MARK: The end

    /// Lets what is under way finish and closes the rest; the future ends with the last client.
    func drain() -> EventLoopFuture<Void> {
        isDraining = true
        let promise = loop.makePromise(of: Void.self)
        whenIdle = promise
        for client in Array(clients.values) { client.drain() }
        for pool in pools.values { pool.closeIdle() }
        if clients.isEmpty { promise.succeed() }
        return promise.futureResult
    }

    /// Closes everything at once.
    func stop() {
        feed.unsubscribe(loop)
        ticker?.cancel()
        ticker = nil
        for client in Array(clients.values) { client.abort() }
        for pool in pools.values { pool.closeIdle() }
        pools = [:]
    }
}
