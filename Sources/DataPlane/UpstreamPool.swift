import Gatekeeper
import NIOCore

/// One loop's connections to one upstream: idle ones are used again, newest first; their number is bounded, and
/// requests beyond it wait in a line.
///
/// A class, because its connections return to it. It belongs to an upstream, never to a tenant.
final class UpstreamPool {
    let upstream: Upstream
    var health = UpstreamHealth()
    /// Whether the worker has forgotten this pool, for want of use.
    private(set) var isRetired = false

    private let worker: Worker
    private let connector: UpstreamConnector
    private var idle: [UpstreamConnection] = []
    private var connecting = 0
    private var connected = 0
    private var lastUse: UInt32 = 0
    private var line = FairLine<UInt64, Waiting>(
        partyLimit: Limits.waitingForUpstream, limit: Limits.waitingForUpstream)

    /// A client in the line; it waits no longer once its ticket is another.
    private struct Waiting {
        let client: ClientConnection
        let ticket: UInt32

        var isGone: Bool { !client.waits(with: ticket) }
    }

    init(upstream: Upstream, worker: Worker) {
        self.upstream = upstream
        self.worker = worker
        self.connector = UpstreamConnector(upstream: upstream, worker: worker)
    }

    /// Requests under way and waiting here.
    var load: Int { connecting + connected - idle.count + line.count }

    /// The idle connection used last, taken out of the pool.
    func takeIdle() -> UpstreamConnection? {
        lastUse = worker.tick
        while let connection = idle.popLast() {
            worker.idleUpstreams -= 1
            if connection.isOpen { return connection }
        }
        return nil
    }

    /// Finds a connection for `client` where none was idle: it hears of its success or failure on the loop.
    func find(for client: ClientConnection) {
        if connecting + connected < worker.upstreamConnectionLimit {
            client.waitsForConnection()
            connect(for: client)
        } else if line.append(Waiting(client: client, ticket: client.waitsInLine()), of: client.tenantVersion)
        {
            return
        } else {
            client.upstreamIsFull()
        }
    }

    /// Keeps a connection that is free again for the next request.
    func release(_ connection: UpstreamConnection) {
        guard connection.isOpen, !worker.isDraining, connector.isCurrent(connection) else {
            connection.close()
            return
        }
        if let client = nextWaiting() {
            client.upstreamConnected(connection)
            return
        }
        idle.append(connection)
        worker.idleUpstreams += 1
        if worker.idleUpstreams > worker.idleUpstreamLimit { worker.closeOldestIdle() }
    }

    /// Forgets a connection that closed; whoever waits may have another in its place.
    func lost(_ connection: UpstreamConnection) {
        connected -= 1
        forgetIdle { $0 === connection }
        guard !worker.isDraining || !line.isEmpty, connecting + connected < worker.upstreamConnectionLimit,
            let client = nextWaiting()
        else { return }
        client.waitsForConnection()
        connect(for: client)
    }

    // MARK: Time

    func turn(_ tick: UInt32) {
        // Idle connections stand in the order of their return, not of their end: an upstream may shorten its own.
        for connection in idle where tick >= connection.idleUntil || !connector.isCurrent(connection) {
            forgetIdle { $0 === connection }
            connection.close()
        }
        if connected > 0 { connector.keepCurrent() }
        if !line.isEmpty { line.remove(where: \.isGone) }
    }

    /// Gives the pool up where nothing would be lost by it.
    func retireIfUnused() -> Bool {
        isRetired =
            connecting + connected == 0 && line.isEmpty && worker.tick &- lastUse > Limits.poolTicks
            && health == UpstreamHealth()
        return isRetired
    }

    /// When each idle connection was last used, for whoever closes the oldest of all pools.
    var idleTimes: [UInt32] { idle.map(\.idleSince) }

    /// Closes idle connections that were last used before `tick`; all of them where it is nil.
    func closeIdle(before tick: UInt32? = nil) {
        let closing = idle.filter { connection in tick.map { connection.idleSince < $0 } ?? true }
        forgetIdle { connection in closing.contains { $0 === connection } }
        for connection in closing { connection.close() }
    }

    private func forgetIdle(_ isForgotten: (UpstreamConnection) -> Bool) {
        let before = idle.count
        idle.removeAll(where: isForgotten)
        worker.idleUpstreams -= before - idle.count
    }

    // MARK: Connecting

    private func nextWaiting() -> ClientConnection? {
        while let waiting = line.next() {
            if !waiting.isGone { return waiting.client }
        }
        return nil
    }

    private func connect(for client: ClientConnection) {
        lastUse = worker.tick
        connecting += 1
        let bound = NIOLoopBound((self, client), eventLoop: worker.loop)
        connector.connect(to: self).whenComplete { result in
            let (pool, client) = bound.value
            pool.connecting -= 1
            switch result {
            case .success(let channel): pool.connected(channel, for: client)
            case .failure(let error): pool.failed(UpstreamConnector.fault(error), for: client)
            }
        }
    }

    private func connected(_ channel: any Channel, for client: ClientConnection) {
        let connection = try? channel.pipeline.syncOperations.handler(type: UpstreamConnection.self)
        guard let connection, connection.isOpen else {
            channel.close(promise: nil)
            failed(.reset, for: client)
            return
        }
        connected += 1
        connection.isCounted = true
        client.upstreamConnected(connection)
    }

    private func failed(_ fault: UpstreamFault, for client: ClientConnection) {
        health.failed(at: worker.tick)
        client.upstreamFailed(fault, self)
        // Whoever waits in the line must not wait for a connection that nobody opens.
        while connecting + connected < worker.upstreamConnectionLimit, let next = nextWaiting() {
            next.waitsForConnection()
            connect(for: next)
        }
    }
}
