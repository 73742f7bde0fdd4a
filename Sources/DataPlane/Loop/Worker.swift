import ExternalAuthorization
package import Gatekeeper
import HTTPMessage
import NIOCore

/// What a request under way asks of the control plane: waits for a key, at most three seconds.
package typealias KeySource = @Sendable (WantedKey) async -> KeyLookupResult

/// What the connections of one event loop share: its judge and clock, its batches and records, the settings and what all
/// loops share.
///
/// A class, because every connection of the loop refers to it. It never leaves its loop, so nothing is locked. It names
/// nothing that runs on the loop; `LoopRunner` puts it together with what does.
final class Worker {
    let loop: any EventLoop
    let settings: ProxySettings
    let clock = LoopClock()
    let judge: Judge
    let batches: LoopBatches
    let flushes: LoopFlushes
    let clients: ClientRegistry
    let records: RefusalLog
    var webSockets = LastingExchanges()
    /// The calls of gRPC that last.
    var calls = LastingExchanges()
    /// What the loop counts, in all and by tenant.
    var counters = LoopCounters()
    var tally = TenantTally()
    /// Decides which requests have spans; nil where none are exported.
    var sampler: TraceSampler?
    /// Draws the names of requests.
    var ids = IDGenerator(
        seed: .random(in: .min ... .max), stream: .random(in: .min ... .max))

    // What all loops share.
    let keys: KeySource
    let resolver: UpstreamResolver
    let authorities: UpstreamAuthorities
    let census: ConnectionCensus
    let feed: SnapshotFeed
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

    /// What HTTP/2 connections hold of responses beyond their shares.
    var lentResponses = LentBytes(share: Limits.connectionResponseBytes, limit: Limits.lentResponseBytes)
    /// What they hold of requests beyond theirs.
    var lentUploads = LentBytes(share: Limits.connectionUploadBytes, limit: Limits.lentUploadBytes)

    /// Writes the verdicts that Envoy asks for by gRPC.
    var checkResponse = CheckResponse()
    /// Calls that watch the gateway's health.
    var healthWatches = 0

    /// Reads what questions are about.
    var questions: QuestionReader

    private(set) var isDraining = false
    /// Whether responses say that connections close: also while still accepting before the drain.
    private(set) var isLeaving = false
    /// Storage for the heads that go to upstreams and to clients.
    var spareBuffers = SpareBuffers()
    /// Grows whenever the hosts of the directory change.
    private(set) var hostsEdition: UInt64 = 0

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
        sampler = shared.settings.traces.map { TraceSampler(ratio: $0.ratio) }
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
        questions = QuestionReader(limits: settings.headLimits, secret: settings.callerSecret)
        unreadLimit =
            max(settings.headLimits(of: .questions).headBytes, Limits.pipelinedBytes) + 2 * Limits.readBytes
        let share = max(settings.tokenCacheBytes / settings.workers, Limits.tokenCacheBytesPerLoop)
        judge = Judge(tokenCacheBytes: share, seed: .random(in: .min ... .max))
        batches = LoopBatches(judge: judge, loop: loop)
        flushes = LoopFlushes(loop: loop)
        clients = ClientRegistry(loop: loop)
        records = RefusalLog(ring: shared.records)
    }

    /// Takes the newest snapshot, where there is a newer one, and ends what it does not allow any longer.
    func takeLatest() {
        let (latest, waited) = feed.taken(by: loop)
        counters.snapshotWaits.add(waited)
        guard latest.epoch != judge.snapshot.epoch else { return }
        if latest.hostsEdition != judge.snapshot.hostsEdition { hostsEdition += 1 }
        judge.snapshot = latest
        let isUnderWay = webSockets.isUrgent || calls.isUrgent
        webSockets.rowsChanged()
        calls.rowsChanged()
        if !isUnderWay { reviewUrgent() }
    }

    /// Judges what lasts anew, since rows have changed: some at a time, between which the loop looks at its sockets.
    private func reviewUrgent() {
        if webSockets.isUrgent { review(webSockets.next(atMost: Limits.reviewsAtOnce)) }
        if calls.isUrgent { review(calls.next(atMost: Limits.reviewsAtOnce)) }
        guard webSockets.isUrgent || calls.isUrgent else { return }
        // A task that a task adds runs before the sockets are looked at; one that is due later does not.
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: Limits.reviewPause) { bound.value.reviewUrgent() }
    }

    /// Judges what lasts anew, since time has passed: as many of them as there is time for in a tick.
    func reviewAtTick() {
        webSockets.timePassed()
        calls.timePassed()
        if !webSockets.isUrgent { review(webSockets.next(atMost: Limits.streamsATick)) }
        if !calls.isUrgent { review(calls.next(atMost: Limits.streamsATick)) }
    }

    private func review(_ exchanges: [any LastingExchange]) {
        guard !exchanges.isEmpty else { return }
        let now = clock.now
        for exchange in exchanges { exchange.review(at: now) }
    }

    // MARK: Whom to believe

    /// Whether `address` is that of a balancer whose word about a request's way counts.
    func trusts(_ address: SocketAddress?) -> Bool {
        guard let address, !settings.trustedProxies.isEmpty else { return false }
        return settings.trustedProxies.contains { $0.contains(address) }
    }

    /// What a call of gRPC's health is told: whether requests are judged here, and go on being.
    var health: HealthMessages.Status {
        !isLeaving && judge.snapshot.canJudge(at: clock.now) ? .serving : .notServing
    }

    /// Whether whoever asks from `address` is a trusted caller.
    func trustsCaller(_ address: SocketAddress?) -> Bool {
        guard let address else { return false }
        return settings.trustedCallers.contains { $0.contains(address) }
    }

    /// Whether a PROXY header from `address` is read: everybody's, unless balancers are named.
    func acceptsProxyHeader(from address: SocketAddress?) -> Bool {
        settings.trustedProxies.isEmpty || trusts(address)
    }

    // MARK: The end

    /// Responses say that connections close, while new ones are still accepted.
    func leave() {
        isLeaving = true
    }

    /// What is under way may finish, and nothing else begins.
    func beginDrain() {
        isDraining = true
        isLeaving = true
    }
}
