package import Gatekeeper
import HTTP1
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a request under way asks of the control plane: waits for a key, at most three seconds.
package typealias KeySource = @Sendable (WantedKey) async -> KeyLookupResult

/// Everything that belongs to one event loop: its judge, its upstream connections, its clients, its clock.
///
/// A class, because every connection of the loop refers to it. It never leaves its loop, so nothing is locked.
final class Worker {
    let loop: any EventLoop
    let settings: ProxySettings
    let judge: Judge
    let keys: KeySource
    let ring: RecordRing
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
    /// Shares of this loop in what the process may have.
    let upstreamConnectionLimit: Int
    let idleUpstreamLimit: Int

    /// The loop's coarse clock: turns of `Limits.tick` since the start.
    private(set) var tick: UInt32 = 0
    private(set) var isDraining = false
    /// Whether answers say that connections close: also while still accepting before the drain.
    var isLeaving = false
    /// Idle connections of all pools, counted by the pools.
    var idleUpstreams = 0
    /// What clients have whose FIN brought more than may wait.
    var lender = Lender(limit: Limits.surplusBytes, limitOfOne: Limits.surplusBytesOfClient)
    /// What may wait of one client unused: the larger of a head and of pipelined requests, and what one read may add to
    /// it, twice for TLS, which keeps a record until it is whole.
    let unreadLimit: Int
    /// The buffer of a head that went upstream, for the next one.
    var spareHead = ByteBuffer()
    private var random = RandomBits(seed: .random(in: .min ... .max))
    /// Bounded by `max-connections`, as are `tunnels`, `judged` and `heldBack`.
    private var clients: [ObjectIdentifier: ClientConnection] = [:]
    private var tunnels: [ObjectIdentifier: ClientConnection] = [:]
    /// Bounded by the origins that rows name; one without connections is forgotten after `Limits.poolTicks`.
    private var pools: [Upstream: UpstreamPool] = [:]
    /// Bounded by the rows of one directory. Found by `ResolvedTenant.loopSlot`; begun anew, in a new epoch, whenever hosts change.
    private var groupsEpoch: UInt64 = 1
    private var groups: [UpstreamGroup] = []
    /// Those, and older ones; looked through once a minute where there are many (`Limits.rememberedGroups`).
    private var groupOfTenant: [HostPattern: UpstreamGroup] = [:]
    private var line = VerificationLine()
    /// Clients whose tokens were verified in this turn.
    private var judged: [ClientConnection] = []
    /// Clients that were refused, in the order in which they are read from again.
    private var heldBack = FairLine<HostPattern?, ClientConnection>(partyLimit: .max, limit: .max)
    private var tally = RefusalTally()
    private var bell: TurnBell?
    private var ticker: RepeatedTask?
    private var whenIdle: EventLoopPromise<Void>?
    private var dateSecond: Int64 = .min
    private var dateText: [UInt8] = []

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
        ring = shared.records
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
        upstreamConnectionLimit = max(1, settings.maxUpstreamConnections / settings.workers)
        idleUpstreamLimit = max(
            1, min(Limits.idleUpstreamConnections, settings.descriptorLimit / 4) / settings.workers)
        let share = max(settings.tokenCacheBytes / settings.workers, Limits.tokenCacheBytesPerLoop)
        judge = Judge(tokenCacheBytes: share, seed: .random(in: .min ... .max))
        judge.allowance = Limits.verificationsPerTurn
    }

    /// Starts the clock and the flow of snapshots; ready once the future is.
    func start() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        feed.subscribe(loop) { bound.value.takeLatest() }
        ticker = loop.scheduleRepeatedTask(initialDelay: Limits.tick, delay: Limits.tick) { _ in
            bound.value.turn()
        }
        return TurnBell.hang(on: loop) { bound.value.beginTurn() }.map { bound.value.bell = $0.value }
    }

    /// Takes the newest snapshot, where there is a newer one, and ends what it does not allow any longer.
    func takeLatest() {
        let latest = feed.taken(by: loop)
        guard latest.epoch != judge.snapshot.epoch else { return }
        if latest.hostsEdition != judge.snapshot.hostsEdition {
            beginGroups()
        }
        judge.snapshot = latest
        reviewTunnels()
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

    /// Whether `address` is that of a balancer whose word about a request's way counts.
    func trusts(_ address: SocketAddress?) -> Bool {
        guard let address, !settings.trustedProxies.isEmpty else { return false }
        return settings.trustedProxies.contains { $0.contains(address) }
    }

    // MARK: Upstreams

    /// Gives away the spare buffer, so that its only owner may write into it.
    func takeSpareHead(_ head: inout ByteBuffer) {
        head = spareHead
        spareHead = ByteBuffer()
    }

    /// Whether rows of several tenants name `upstream`.
    func isShared(_ upstream: Upstream) -> Bool {
        judge.snapshot.directory?.isShared(upstream) ?? true
    }

    /// Begins a new epoch of groups, in which each is looked at again.
    private func beginGroups() {
        // Requests under way may hold a resolved tenant from before: its slot is not believed in the new epoch.
        groupsEpoch += 1
        groups = []
    }

    /// Forgets tenants by whom nothing is held and nothing was noticed lately, where there are many.
    private func forgetGroups() {
        guard groupOfTenant.count > Limits.rememberedGroups else { return }
        groupOfTenant = groupOfTenant.filter { !$0.value.isForgettable(at: tick) }
        beginGroups()
    }

    /// The upstreams of a tenant, found without a look at what loops share once it was asked for.
    func group(for resolved: ResolvedTenant) -> UpstreamGroup {
        if resolved.loopSlot.epoch == groupsEpoch { return groups[resolved.loopSlot.index] }
        let upstreams = resolved.tenant.upstreams
        let name = resolved.tenant.name
        let group: UpstreamGroup
        if let known = groupOfTenant[name] {
            group = known
            if !known.pools.map(\.upstream).elementsEqual(upstreams) { known.rename(upstreams.map(pool)) }
        } else {
            group = UpstreamGroup(name, upstreams.map(pool))
            groupOfTenant[name] = group
        }
        // A wildcard's tenant is met under many hosts, and has one slot all the same.
        if group.slot.epoch != groupsEpoch {
            group.slot = (groupsEpoch, groups.count)
            groups.append(group)
        }
        resolved.loopSlot = group.slot
        return group
    }

    /// One of a group's upstreams; nil where `excluded` is the only one.
    func choose(from group: UpstreamGroup, excluding excluded: UpstreamPool? = nil) -> UpstreamPool? {
        guard let pool = group.choose(excluding: excluded, tick: tick, random: &random) else { return nil }
        guard pool.isRetired else { return pool }
        group.refresh { self.pool(for: $0.upstream) }
        return self.pool(for: pool.upstream)
    }

    private func pool(for upstream: Upstream) -> UpstreamPool {
        if let pool = pools[upstream] { return pool }
        let pool = UpstreamPool(upstream: upstream, worker: self)
        pools[upstream] = pool
        return pool
    }

    /// Makes room among the idle connections: of the upstreams that have more than their share of them, the eighth that
    /// was used longest ago goes.
    func closeOldestIdle() {
        let share = idleUpstreamLimit / max(pools.values.count { $0.idleCount > 0 }, 1)
        let above = pools.values.filter { $0.idleCount > share }
        let times = above.flatMap(\.idleTimes).sorted()
        guard !times.isEmpty else { return }
        let oldest = times[min(times.count / 8, times.count - 1)]
        for pool in above { pool.closeIdle(before: oldest &+ 1) }
    }

    // MARK: Tokens that wait for verification

    /// Lines a request up; false where its tenant has too many waiting.
    func lineUp(_ client: ClientConnection, of tenant: HostPattern) -> Bool {
        scheduleEndOfTurn()
        return line.append(client, of: tenant)
    }

    /// Has a client go on as the turn ends.
    func waitForTurn(_ client: ClientConnection) {
        judged.append(client)
        scheduleEndOfTurn()
    }

    /// Reads nothing more from a client before its turn.
    func holdBack(_ client: ClientConnection) {
        client.isHeldBack = true
        // Connections are bounded, and with them those who wait here.
        _ = heldBack.append(client, of: client.exchange.tenant?.name)
        scheduleEndOfTurn()
    }

    private func scheduleEndOfTurn() {
        guard !line.isTurnScheduled else { return }
        line.isTurnScheduled = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.endTurn() }
    }

    /// The sockets were looked at, and somebody waits.
    private func beginTurn() {
        judge.allowance = Limits.verificationsPerTurn
        endTurn()
    }

    /// Between two looks at the sockets: verifies a few of those who wait, lets them and those of this turn go on,
    /// then looks at the sockets again.
    private func endTurn() {
        var served = 0
        while judge.allowance > 0, served < Limits.waitingServedPerTurn, let client = line.next() {
            client.judgeInTurn()
            served += 1
        }
        // Whatever comes from here on lines up behind those who wait.
        judge.allowance = 0
        let judged = judged
        self.judged = []
        for client in judged { client.turnEnded() }
        letHeldBackGo()
        if line.isEmpty, heldBack.isEmpty {
            line.isTurnScheduled = false
            judge.allowance = Limits.verificationsPerTurn
        } else {
            bell?.ring()
        }
    }

    /// Reads on from a few who were refused. Those who are gone take nobody's place, so that clients who come, are refused
    /// and go never make this line longer than the loop has connections.
    private func letHeldBackGo() {
        var (read, looked) = (0, 0)
        while read < Limits.refusedPerTurn, looked < Limits.heldBackLooksPerTurn,
            let client = heldBack.next()
        {
            looked += 1
            if client.phase == .closed { continue }
            client.letGo()
            read += 1
        }
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
        tunnels[ObjectIdentifier(client)] = nil
        if clients.isEmpty { whenIdle?.succeed() }
    }

    /// A client's connection carries WebSocket from now on.
    func tunnelBegan(_ client: ClientConnection) {
        tunnels[ObjectIdentifier(client)] = client
    }

    private func reviewTunnels() {
        guard !tunnels.isEmpty else { return }
        let now = now
        for client in Array(tunnels.values) { client.reviewTunnel(at: now) }
    }

    /// Whether a refusal gets a record of its own.
    func records(_ refusal: Refusal, of tenant: Tenant?, status: Int) -> Bool {
        tally.admits(refusal, of: tenant, status: status)
    }

    /// Ends the second of the tally.
    private func recordOthers() {
        for beyond in tally.endSecond() {
            ring.append(
                RequestRecord(
                    time: now, requestID: .none, tenant: beyond.tenant?.name.description, host: [],
                    method: [],
                    path: [], status: beyond.status, refusal: beyond.refusal, detail: nil, microseconds: 0,
                    others: beyond.count))
        }
    }

    private func turn() {
        tick &+= 1
        if tick % Limits.ticksPerSecond == 0 { recordOthers() }
        for client in Array(clients.values) { client.turn(tick) }
        reviewTunnels()
        authorities.keepCurrent(on: loop)
        if tick % Limits.groupTicks == 0 { forgetGroups() }
        for (upstream, pool) in pools {
            pool.turn(tick)
            if pool.retireIfUnused() { pools[upstream] = nil }
        }
    }

    // MARK: The end

    /// Lets what is under way finish and closes the rest; the future ends with the last client.
    func drain() -> EventLoopFuture<Void> {
        isDraining = true
        isLeaving = true
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
        recordOthers()
        ticker?.cancel()
        ticker = nil
        bell?.takeDown()
        bell = nil
        for client in Array(clients.values) { client.abort() }
        for pool in pools.values { pool.closeIdle() }
        pools = [:]
    }
}
