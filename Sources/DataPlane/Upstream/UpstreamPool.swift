import Gatekeeper
import NIOCore

/// One loop's connections to one upstream: idle ones are used again, newest first; their number is bounded, each
/// tenant has a share of it, and requests beyond either wait in a line.
///
/// A class, because its connections return to it. It belongs to an upstream, never to a tenant.
final class UpstreamPool {
    let upstream: Upstream
    private(set) var health = UpstreamHealth()
    /// Why the latest connection that failed did, as a sentence without its full stop.
    private(set) var latestFlaw = "the connection broke at once"
    /// Tenants whose requests failed since anybody's was answered.
    private var witnesses: [HostPattern] = []
    /// Whether the worker has forgotten this pool, for want of use.
    private(set) var isRetired = false

    private let worker: Worker
    private let budget: ConnectionBudget
    private let connector: UpstreamConnector
    /// Makes the wire of a new connection.
    private let makeWire: WireMaker
    /// The HTTP/2 connections that requests share; none where the upstream speaks HTTP/1.
    private var shared: [any SharedUpstreamLink] = []
    /// Requests for which such a connection is being made, and how many of these are.
    private var hopeful: [Waiting] = []
    private var sharedConnecting = 0
    private var idle: [any UpstreamWire] = []
    private var connecting = 0
    private var connected = 0
    private var lastUse: UInt32 = 0
    private var isServingLine = false
    private var sharing: (epoch: UInt64, isShared: Bool) = (.max, true)
    private var line = FairLine<Party, Waiting>(
        partyLimit: Limits.waitingOfTenant, limit: Limits.waitingForUpstream)

    /// Those who take turns in the line: requests without a token never stand before a tenant's others.
    private struct Party: Hashable {
        let tenant: HostPattern
        let isAnonymous: Bool
    }

    /// A request in the line, or for which a connection is made; it waits no longer once its ticket is another.
    private struct Waiting {
        let client: any UpstreamClient
        let use: TenantUse
        let isAnonymous: Bool
        let ticket: UInt32

        var isGone: Bool { !client.waits(for: ticket) }
    }

    /// What makes the wire of a channel that belongs to a pool, and the channel's last handler.
    typealias WireMaker = (any Channel, UpstreamPool) -> any UpstreamLink & ChannelHandler

    init(upstream: Upstream, worker: Worker, budget: ConnectionBudget, makeWire: @escaping WireMaker) {
        self.upstream = upstream
        self.worker = worker
        self.budget = budget
        self.makeWire = makeWire
        self.connector = UpstreamConnector(upstream: upstream, worker: worker)
    }

    /// Requests under way and waiting here.
    var load: Int { connecting + connected - idle.count + line.count }

    /// How things stand with it.
    var figures: UpstreamFigures {
        var figures = UpstreamFigures(upstream: upstream.description)
        figures.open = connected
        figures.idle = idle.count
        figures.connecting = connecting
        figures.waiting = line.count
        figures.ejections = health.availability(at: worker.clock.tick) == .ejected ? 1 : 0
        return figures
    }

    /// The idle connection used last, taken out of the pool for a request of the tenant of `use`, which may have one more.
    func takeIdle(for use: TenantUse, isAnonymous: Bool) -> (any UpstreamWire)? {
        lastUse = worker.clock.tick
        guard !idle.isEmpty, mayTake(use, isAnonymous) else { return nil }
        while let connection = idle.popLast() {
            budget.note(-1)
            guard connection.isOpen else { continue }
            lend(connection, to: use, isAnonymous)
            return connection
        }
        return nil
    }

    /// Finds a connection for `client` where none was idle: it hears of its success or failure on the loop.
    func find(for client: any UpstreamClient, _ use: TenantUse, isAnonymous: Bool) {
        let isAllowed = mayTake(use, isAnonymous)
        if isAllowed, connecting + connected < budget.connectionLimit {
            connect(
                for: Waiting(
                    client: client, use: use, isAnonymous: isAnonymous,
                    ticket: client.connectionBegun()))
            return
        }
        let waiting = Waiting(
            client: client, use: use, isAnonymous: isAnonymous, ticket: client.joinedLine())
        if !line.append(waiting, of: Party(tenant: use.tenant, isAnonymous: isAnonymous)) {
            client.lineIsFull()
        } else if isAllowed {
            serveLine()
        }
    }

    /// Keeps a connection that is free again for the next request.
    func release(_ connection: any UpstreamWire) {
        takeBack(connection)
        guard connection.isOpen, !worker.isDraining || !line.isEmpty, connector.isCurrent(connection) else {
            connection.close()
            return
        }
        idle.append(connection)
        budget.note(1)
        serveLine()
        if worker.isDraining {
            closeIdle()
        } else {
            budget.check()
        }
    }

    /// Forgets a connection that closed; whoever waits may have another in its place.
    func lost(_ connection: any UpstreamWire) {
        takeBack(connection)
        connected -= 1
        forgetIdle { $0 === connection }
        serveLine()
    }

    // MARK: Shares

    /// Whether one more request of a tenant may have a connection, by what it and the others hold of it.
    private func mayTake(_ use: TenantUse, _ isAnonymous: Bool) -> Bool {
        ConnectionShare.allows(
            use.held,
            free: budget.connectionLimit - (connecting + connected - idle.count),
            of: budget.connectionLimit, isAnonymous: isAnonymous, isAlone: !isShared)
    }

    /// Whether rows of several tenants name the upstream, found out once for each snapshot.
    private var isShared: Bool {
        let epoch = worker.judge.snapshot.epoch
        if sharing.epoch != epoch {
            sharing = (epoch, worker.judge.snapshot.directory?.isShared(upstream) ?? true)
        }
        return sharing.isShared
    }

    private func lend(_ connection: any UpstreamWire, to use: TenantUse, _ isAnonymous: Bool) {
        use.note(1, isAnonymous: isAnonymous)
        connection.place.holder = use
        connection.place.isHeldAnonymously = isAnonymous
    }

    private func takeBack(_ connection: any UpstreamWire) {
        guard let use = connection.place.holder else { return }
        connection.place.holder = nil
        use.note(-1, isAnonymous: connection.place.isHeldAnonymously)
    }

    /// Gives those who wait what is free, by turns of the tenants that may have more.
    private func serveLine() {
        // Whoever gets a connection may give it back at once.
        guard !isServingLine, !line.isEmpty else { return }
        isServingLine = true
        defer { isServingLine = false }
        while connecting + connected - idle.count < budget.connectionLimit,
            let waiting = line.next(where: { $0.isGone || mayTake($0.use, $0.isAnonymous) })
        {
            guard !waiting.isGone else { continue }
            if let connection = takeIdle(for: waiting.use, isAnonymous: waiting.isAnonymous) {
                waiting.client.offered(connection)
            } else if connecting + connected < budget.connectionLimit {
                connect(
                    for: Waiting(
                        client: waiting.client, use: waiting.use, isAnonymous: waiting.isAnonymous,
                        ticket: waiting.client.connectionBegun()))
            } else {
                // Idle connections that are closed and about to be forgotten: its turn comes again then.
                _ = line.append(
                    waiting, of: Party(tenant: waiting.use.tenant, isAnonymous: waiting.isAnonymous))
                return
            }
        }
    }

    // MARK: What responses say of the upstream

    /// A request was responded to, whatever the status; `use` is its tenant's.
    func responded(_ use: TenantUse) {
        health.succeeded(at: worker.clock.tick)
        if !witnesses.isEmpty { witnesses = [] }
        use.succeeded(at: worker.clock.tick)
    }

    /// A request reached the upstream and had no usable response. That may be the request's own doing: it counts for its
    /// tenant, whose use of the upstream `use` is, and for everybody only once several tenants saw it and nobody was
    /// responded to in between.
    func failedToRespond(_ use: TenantUse) {
        if use.failed(at: worker.clock.tick) { worker.counters.tenantEjections &+= 1 }
        guard !witnesses.contains(use.tenant) else { return }
        witnesses.append(use.tenant)
        guard witnesses.count >= Limits.witnessesToEject else { return }
        witnesses = []
        if health.eject(at: worker.clock.tick) { worker.counters.ejections &+= 1 }
    }

    // MARK: Time

    func ticked(_ tick: UInt32) {
        // Idle connections stand in the order of their return, not of their end: an upstream may shorten its own.
        for connection in idle where tick >= connection.place.idleUntil || !connector.isCurrent(connection) {
            forgetIdle { $0 === connection }
            connection.close()
        }
        if connected > 0 { connector.keepCurrent() }
        for waiting in hopeful where waiting.isGone { hopesNoLonger(waiting) }
        hopeful.removeAll(where: \.isGone)
        for connection in shared {
            if !connector.isCurrent(connection) { connection.retire() }
            connection.ticked(tick)
        }
        if !line.isEmpty {
            line.remove(where: \.isGone)
            serveLine()
        }
    }

    /// Gives the pool up where nothing would be lost by it.
    func retireIfUnused() -> Bool {
        isRetired =
            connecting + connected == 0 && shared.isEmpty && line.isEmpty
            && worker.clock.tick &- lastUse > Limits.poolTicks
            && health == UpstreamHealth()
        return isRetired
    }

    /// Whether a connection leads to what is still one of the upstream's addresses.
    func isCurrent(_ connection: any UpstreamWire) -> Bool { connector.isCurrent(connection) }

    var idleCount: Int { idle.count }

    /// When each idle connection was last used, for whoever closes the oldest of all pools.
    var idleTimes: [UInt32] { idle.map(\.place.idleSince) }

    /// Closes idle connections that were last used before `tick`; all of them where it is nil.
    func closeIdle(before tick: UInt32? = nil) {
        let closing = idle.filter { connection in tick.map { connection.place.idleSince < $0 } ?? true }
        forgetIdle { connection in closing.contains { $0 === connection } }
        for connection in closing { connection.close() }
    }

    private func forgetIdle(_ isForgotten: (any UpstreamWire) -> Bool) {
        let before = idle.count
        idle.removeAll(where: isForgotten)
        budget.note(idle.count - before)
    }

    // MARK: Connecting

    private func connect(for waiting: Waiting) {
        lastUse = worker.clock.tick
        guard !upstream.origin.scheme.isHTTP2 else { return share(with: waiting) }
        connecting += 1
        waiting.use.note(1, isAnonymous: waiting.isAnonymous)
        let bound = NIOLoopBound((self, waiting), eventLoop: worker.loop)
        let make = NIOLoopBound(self, eventLoop: worker.loop)
        connector.connect(for: waiting.use.tenant) { make.value.makeWire($0, make.value) }.whenComplete {
            result in
            let (pool, waiting) = bound.value
            pool.connecting -= 1
            waiting.use.note(-1, isAnonymous: waiting.isAnonymous)
            switch result {
            case .success(let link):
                guard let wire = link.value as? any UpstreamWire else { return }
                pool.connected(wire, for: waiting)
            case .failure(let error):
                pool.latestFlaw = UpstreamFailureWords.words(error, pool.upstream).reason
                pool.failed(UpstreamConnector.fault(error), for: waiting)
            }
        }
    }

    // MARK: HTTP/2

    /// Gives a request a stream of a connection that is there, or of one that is made.
    private func share(with waiting: Waiting) {
        if let connection = shared.first(where: \.hasRoom) {
            connected(connection.stream(), for: waiting)
            return
        }
        connecting += 1
        waiting.use.note(1, isAnonymous: waiting.isAnonymous)
        hopeful.append(waiting)
        makeSharedConnection(for: waiting.use.tenant)
    }

    /// Makes one more connection where more hope for one than those being made can carry.
    private func makeSharedConnection(for tenant: HostPattern) {
        guard sharedConnecting * Limits.streamsExpected < hopeful.count,
            shared.count + sharedConnecting < Limits.sharedConnections
        else { return }
        sharedConnecting += 1
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        connector.connect(for: tenant) { bound.value.makeWire($0, bound.value) }.whenComplete {
            let pool = bound.value
            pool.sharedConnecting -= 1
            switch $0 {
            case .success(let link):
                guard let connection = link.value as? any SharedUpstreamLink else { return }
                pool.shared.append(connection)
                pool.serveHopeful()
            case .failure(let error):
                pool.latestFlaw = UpstreamFailureWords.words(error, pool.upstream).reason
                pool.disappointHopeful(UpstreamConnector.fault(error))
            }
        }
    }

    /// Gives those who hoped for a connection its streams, as far as they go.
    private func serveHopeful() {
        while !hopeful.isEmpty, let connection = shared.first(where: \.hasRoom) {
            let waiting = hopeful.removeFirst()
            hopesNoLonger(waiting)
            connected(connection.stream(), for: waiting)
        }
    }

    private func disappointHopeful(_ fault: UpstreamFault) {
        guard sharedConnecting == 0 else { return }
        let all = hopeful
        hopeful = []
        for waiting in all { hopesNoLonger(waiting) }
        for waiting in all { failed(fault, for: waiting) }
    }

    private func hopesNoLonger(_ waiting: Waiting) {
        connecting -= 1
        waiting.use.note(-1, isAnonymous: waiting.isAnonymous)
    }

    /// A shared connection has room again.
    func roomCame() {
        if !hopeful.isEmpty { serveHopeful() }
    }

    /// A shared connection has closed, or never came to be one.
    func sharedConnectionLost(_ connection: any SharedUpstreamLink) {
        shared.removeAll { $0 === connection }
        if let first = hopeful.first { makeSharedConnection(for: first.use.tenant) }
        serveLine()
    }

    private func connected(_ connection: any UpstreamWire, for waiting: Waiting) {
        guard connection.isOpen else {
            failed(.reset, for: waiting)
            return
        }
        connected += 1
        worker.counters.madeConnections &+= 1
        connection.place.isCounted = true
        health.connected(at: worker.clock.tick)
        // Its client may have left, and may even wait for another request's connection by now.
        guard !waiting.isGone else {
            connection.park()
            return
        }
        lend(connection, to: waiting.use, waiting.isAnonymous)
        waiting.client.offered(connection)
    }

    private func failed(_ fault: UpstreamFault, for waiting: Waiting) {
        worker.counters.failedConnections[fault, default: 0] &+= 1
        if health.failed(at: worker.clock.tick) { worker.counters.ejections &+= 1 }
        if !waiting.isGone { waiting.client.connectFailed(fault) }
        // Whoever waits in the line must not wait for a connection that nobody opens.
        serveLine()
    }
}
