package import Gatekeeper
import HTTPMessage
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a request under way asks of the control plane: waits for a key, at most three seconds.
package typealias KeySource = @Sendable (WantedKey) async -> KeyLookupResult

/// What belongs to one event loop, put together: its judge and clock, its upstreams, its clients, its batches.
///
/// A class, because every connection of the loop refers to it. It never leaves its loop, so nothing is locked. It lives as
/// long as its loop; `stop` takes apart what its parts hold of each other.
final class Worker {
    let loop: any EventLoop
    let settings: ProxySettings
    let clock = LoopClock()
    let judge: Judge
    let batches: LoopBatches
    let clients: ClientRegistry
    let records: RefusalLog
    let upstreams: UpstreamRegistry
    var webSockets = OpenWebSockets()

    // What all loops share.
    let keys: KeySource
    let resolver: UpstreamResolver
    let authorities: UpstreamAuthorities
    let census: ConnectionCensus
    private let feed: SnapshotFeed
    /// This gateway's name in `Via`, unlike that of any other instance.
    let pseudonym: [UInt8]
    let proxyHeaderRefusals: ProxyHeaderRefusals

    /// The settings' times, in ticks.
    let headTicks: UInt32
    let idleTicks: UInt32
    let waitTicks: UInt32
    /// What may wait of one client unused: the larger of a head and of pipelined requests, and what one read may add to
    /// it, twice for TLS, which keeps a record until it is whole.
    let unreadLimit: Int
    /// What clients have whose FIN brought more than may wait.
    var lender = Lender(limit: Limits.surplusBytes, limitOfOne: Limits.surplusBytesOfClient)

    private(set) var isDraining = false
    /// Whether responses say that connections close: also while still accepting before the drain.
    var isLeaving = false
    /// Storage for the heads that go to upstreams and to clients.
    var spareBuffers = SpareBuffers()
    private var ticker: RepeatedTask?

    /// What all loops of the process share.
    struct Shared: Sendable {
        let settings: ProxySettings
        let keys: KeySource
        let records: RecordRing
        let resolver: UpstreamResolver
        let authorities: UpstreamAuthorities
        let census: ConnectionCensus
        let feed: SnapshotFeed
        let pseudonym: [UInt8]
        let proxyHeaderRefusals: ProxyHeaderRefusals
    }

    init(loop: any EventLoop, shared: Shared) {
        self.loop = loop
        settings = shared.settings
        keys = shared.keys
        resolver = shared.resolver
        authorities = shared.authorities
        census = shared.census
        feed = shared.feed
        pseudonym = shared.pseudonym
        proxyHeaderRefusals = shared.proxyHeaderRefusals
        headTicks = settings.headTimeout.ticks
        idleTicks = settings.idleTimeout.ticks
        waitTicks = settings.upstreamWait.ticks
        unreadLimit = max(settings.headLimits.headBytes, Limits.pipelinedBytes) + 2 * Limits.readBytes
        let share = max(settings.tokenCacheBytes / settings.workers, Limits.tokenCacheBytesPerLoop)
        judge = Judge(tokenCacheBytes: share, seed: .random(in: .min ... .max))
        batches = LoopBatches(judge: judge, loop: loop)
        clients = ClientRegistry(loop: loop)
        upstreams = UpstreamRegistry(settings, judge: judge, clock: clock)
        records = RefusalLog(ring: shared.records)
    }

    /// Starts the clock and the flow of snapshots; ready once the future is.
    func start() -> EventLoopFuture<Void> {
        upstreams.start(self)
        let bound = NIOLoopBound(self, eventLoop: loop)
        feed.subscribe(loop) { bound.value.takeLatest() }
        ticker = loop.scheduleRepeatedTask(initialDelay: Limits.tick, delay: Limits.tick) { _ in
            bound.value.advance()
        }
        return batches.start()
    }

    /// Takes the newest snapshot, where there is a newer one, and ends what it does not allow any longer.
    func takeLatest() {
        let latest = feed.taken(by: loop)
        guard latest.epoch != judge.snapshot.epoch else { return }
        if latest.hostsEdition != judge.snapshot.hostsEdition { upstreams.beginEpoch() }
        judge.snapshot = latest
        reviewWebSockets()
    }

    private func reviewWebSockets() {
        let open = webSockets.all
        guard !open.isEmpty else { return }
        let now = clock.now
        for exchange in open { exchange.review(at: now) }
    }

    /// The clock moves on by one tick: whatever took too long ends.
    private func advance() {
        clock.advance()
        let tick = clock.tick
        if tick % Limits.ticksPerSecond == 0 { records.endSecond(at: clock.now) }
        clients.ticked(tick)
        reviewWebSockets()
        authorities.keepCurrent(on: loop)
        upstreams.ticked(tick)
    }

    // MARK: Whom to believe

    /// Whether `address` is that of a balancer whose word about a request's way counts.
    func trusts(_ address: SocketAddress?) -> Bool {
        guard let address, !settings.trustedProxies.isEmpty else { return false }
        return settings.trustedProxies.contains { $0.contains(address) }
    }

    // MARK: The end

    /// Lets what is under way finish and closes the rest; the future ends with the last client.
    func drain() -> EventLoopFuture<Void> {
        isDraining = true
        isLeaving = true
        let drained = clients.drain()
        upstreams.closeIdle()
        return drained
    }

    /// Closes everything at once.
    func stop() {
        feed.unsubscribe(loop)
        records.endSecond(at: clock.now)
        ticker?.cancel()
        ticker = nil
        batches.stop()
        clients.abort()
        upstreams.stop()
    }
}
