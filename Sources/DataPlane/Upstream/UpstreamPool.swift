import Gatekeeper
import NIOCore

/// One loop's connections to one upstream: idle ones are used again, newest first; their number is bounded, each
/// tenant has a share of it, and requests beyond either wait in a line.
///
/// A class, because its connections return to it. It belongs to an upstream, never to a tenant.
final class UpstreamPool {
    let upstream: Upstream
    private(set) var health = UpstreamHealth()
    /// Tenants whose requests failed since anybody's was answered.
    private var witnesses: [HostPattern] = []
    /// Whether the worker has forgotten this pool, for want of use.
    private(set) var isRetired = false

    private let worker: Worker
    private let connector: UpstreamConnector
    private var idle: [HTTP1UpstreamConnection] = []
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
        let exchange: Exchange
        let group: UpstreamGroup
        let isAnonymous: Bool
        let ticket: UInt32

        var isGone: Bool { !exchange.waits(for: ticket) }
    }

    init(upstream: Upstream, worker: Worker) {
        self.upstream = upstream
        self.worker = worker
        self.connector = UpstreamConnector(upstream: upstream, worker: worker)
    }

    /// Requests under way and waiting here.
    var load: Int { connecting + connected - idle.count + line.count }

    /// The idle connection used last, taken out of the pool for a request of `group`, which may have one more.
    func takeIdle(for group: UpstreamGroup, isAnonymous: Bool) -> HTTP1UpstreamConnection? {
        lastUse = worker.clock.tick
        guard !idle.isEmpty, mayTake(group, isAnonymous) else { return nil }
        while let connection = idle.popLast() {
            worker.upstreams.idleCount -= 1
            guard connection.isOpen else { continue }
            lend(connection, to: group, isAnonymous)
            return connection
        }
        return nil
    }

    /// Finds a connection for `exchange` where none was idle: it hears of its success or failure on the loop.
    func find(for exchange: Exchange, of group: UpstreamGroup, isAnonymous: Bool) {
        let isAllowed = mayTake(group, isAnonymous)
        if isAllowed, connecting + connected < worker.upstreams.connectionLimit {
            connect(
                for: Waiting(
                    exchange: exchange, group: group, isAnonymous: isAnonymous,
                    ticket: exchange.connectionBegun()))
            return
        }
        let waiting = Waiting(
            exchange: exchange, group: group, isAnonymous: isAnonymous, ticket: exchange.joinedLine())
        if !line.append(waiting, of: Party(tenant: group.tenant, isAnonymous: isAnonymous)) {
            exchange.lineIsFull()
        } else if isAllowed {
            serveLine()
        }
    }

    /// Keeps a connection that is free again for the next request.
    func release(_ connection: HTTP1UpstreamConnection) {
        takeBack(connection)
        guard connection.isOpen, !worker.isDraining || !line.isEmpty, connector.isCurrent(connection) else {
            connection.close()
            return
        }
        idle.append(connection)
        worker.upstreams.idleCount += 1
        serveLine()
        if worker.isDraining {
            closeIdle()
        } else if worker.upstreams.idleCount > worker.upstreams.idleLimit {
            worker.upstreams.closeOldestIdle()
        }
    }

    /// Forgets a connection that closed; whoever waits may have another in its place.
    func lost(_ connection: HTTP1UpstreamConnection) {
        takeBack(connection)
        connected -= 1
        forgetIdle { $0 === connection }
        serveLine()
    }

    // MARK: Shares

    /// Whether one more request of `group` may have a connection, by what it and the others hold.
    private func mayTake(_ group: UpstreamGroup, _ isAnonymous: Bool) -> Bool {
        ConnectionShare.allows(
            group.held(of: self),
            free: worker.upstreams.connectionLimit - (connecting + connected - idle.count),
            of: worker.upstreams.connectionLimit, isAnonymous: isAnonymous, isAlone: !isShared)
    }

    /// Whether rows of several tenants name the upstream, found out once for each snapshot.
    private var isShared: Bool {
        let epoch = worker.judge.snapshot.epoch
        if sharing.epoch != epoch { sharing = (epoch, worker.upstreams.isShared(upstream)) }
        return sharing.isShared
    }

    private func lend(_ connection: HTTP1UpstreamConnection, to group: UpstreamGroup, _ isAnonymous: Bool) {
        group.note(1, of: self, isAnonymous: isAnonymous)
        connection.holder = group
        connection.isHeldAnonymously = isAnonymous
    }

    private func takeBack(_ connection: HTTP1UpstreamConnection) {
        guard let group = connection.holder else { return }
        connection.holder = nil
        group.note(-1, of: self, isAnonymous: connection.isHeldAnonymously)
    }

    /// Gives those who wait what is free, by turns of the tenants that may have more.
    private func serveLine() {
        // Whoever gets a connection may give it back at once.
        guard !isServingLine, !line.isEmpty else { return }
        isServingLine = true
        defer { isServingLine = false }
        while connecting + connected - idle.count < worker.upstreams.connectionLimit,
            let waiting = line.next(where: { $0.isGone || mayTake($0.group, $0.isAnonymous) })
        {
            guard !waiting.isGone else { continue }
            if let connection = takeIdle(for: waiting.group, isAnonymous: waiting.isAnonymous) {
                waiting.exchange.offered(connection)
            } else if connecting + connected < worker.upstreams.connectionLimit {
                connect(
                    for: Waiting(
                        exchange: waiting.exchange, group: waiting.group, isAnonymous: waiting.isAnonymous,
                        ticket: waiting.exchange.connectionBegun()))
            } else {
                // Idle connections that are closed and about to be forgotten: its turn comes again then.
                _ = line.append(
                    waiting, of: Party(tenant: waiting.group.tenant, isAnonymous: waiting.isAnonymous))
                return
            }
        }
    }

    // MARK: What responses say of the upstream

    /// A request of `group` was answered, whatever its status.
    func answered(_ group: UpstreamGroup?) {
        health.succeeded(at: worker.clock.tick)
        if !witnesses.isEmpty { witnesses = [] }
        group?.succeeded(self, at: worker.clock.tick)
    }

    /// A request of `group` reached the upstream and had no usable answer. That may be the request's own doing: it
    /// counts for its tenant, and for everybody only once several tenants saw it and nobody was answered in between.
    func failedToAnswer(_ group: UpstreamGroup?) {
        guard let group else { return }
        group.failed(self, at: worker.clock.tick)
        guard !witnesses.contains(group.tenant) else { return }
        witnesses.append(group.tenant)
        guard witnesses.count >= Limits.witnessesToEject else { return }
        witnesses = []
        health.eject(at: worker.clock.tick)
    }

    // MARK: Time

    func ticked(_ tick: UInt32) {
        // Idle connections stand in the order of their return, not of their end: an upstream may shorten its own.
        for connection in idle where tick >= connection.idleUntil || !connector.isCurrent(connection) {
            forgetIdle { $0 === connection }
            connection.close()
        }
        if connected > 0 { connector.keepCurrent() }
        if !line.isEmpty {
            line.remove(where: \.isGone)
            serveLine()
        }
    }

    /// Gives the pool up where nothing would be lost by it.
    func retireIfUnused() -> Bool {
        isRetired =
            connecting + connected == 0 && line.isEmpty && worker.clock.tick &- lastUse > Limits.poolTicks
            && health == UpstreamHealth()
        return isRetired
    }

    /// Whether a connection leads to what is still one of the upstream's addresses.
    func isCurrent(_ connection: HTTP1UpstreamConnection) -> Bool { connector.isCurrent(connection) }

    var idleCount: Int { idle.count }

    /// When each idle connection was last used, for whoever closes the oldest of all pools.
    var idleTimes: [UInt32] { idle.map(\.idleSince) }

    /// Closes idle connections that were last used before `tick`; all of them where it is nil.
    func closeIdle(before tick: UInt32? = nil) {
        let closing = idle.filter { connection in tick.map { connection.idleSince < $0 } ?? true }
        forgetIdle { connection in closing.contains { $0 === connection } }
        for connection in closing { connection.close() }
    }

    private func forgetIdle(_ isForgotten: (HTTP1UpstreamConnection) -> Bool) {
        let before = idle.count
        idle.removeAll(where: isForgotten)
        worker.upstreams.idleCount -= before - idle.count
    }

    // MARK: Connecting

    private func connect(for waiting: Waiting) {
        lastUse = worker.clock.tick
        connecting += 1
        waiting.group.note(1, of: self, isAnonymous: waiting.isAnonymous)
        let bound = NIOLoopBound((self, waiting), eventLoop: worker.loop)
        connector.connect(to: self, for: waiting.group.tenant).whenComplete { result in
            let (pool, waiting) = bound.value
            pool.connecting -= 1
            waiting.group.note(-1, of: pool, isAnonymous: waiting.isAnonymous)
            switch result {
            case .success(let channel): pool.connected(channel, for: waiting)
            case .failure(let error): pool.failed(UpstreamConnector.fault(error), for: waiting)
            }
        }
    }

    private func connected(_ channel: any Channel, for waiting: Waiting) {
        let connection = try? channel.pipeline.syncOperations.handler(type: HTTP1UpstreamConnection.self)
        guard let connection, connection.isOpen else {
            channel.close(promise: nil)
            failed(.reset, for: waiting)
            return
        }
        connected += 1
        connection.isCounted = true
        health.connected(at: worker.clock.tick)
        // Its client may have left, and may even wait for another request's connection by now.
        guard !waiting.isGone else {
            connection.park()
            return
        }
        lend(connection, to: waiting.group, waiting.isAnonymous)
        waiting.exchange.offered(connection)
    }

    private func failed(_ fault: UpstreamFault, for waiting: Waiting) {
        health.failed(at: worker.clock.tick)
        if !waiting.isGone { waiting.exchange.connectFailed(fault) }
        // Whoever waits in the line must not wait for a connection that nobody opens.
        serveLine()
    }
}
