import Gatekeeper
import NIOCore

/// Which of its upstreams' connections a request goes by.
extension ClientConnection {
    /// Sends the request under way to `pool`, now or when there is a connection.
    func forward(to pool: UpstreamPool, _ group: UpstreamGroup) {
        exchange.pool = pool
        let isAnonymous = exchange.identity == nil
        if let connection = pool.takeIdle(for: group, isAnonymous: isAnonymous) {
            start(on: connection)
        } else {
            pool.find(for: self, of: group, isAnonymous: isAnonymous)
        }
    }

    /// The connection that this client waited for.
    func upstreamConnected(_ connection: UpstreamConnection) {
        guard phase == .connecting || phase == .queued else {
            connection.park()
            return
        }
        start(on: connection)
        process()
    }

    /// No connection to the upstream could be had: another one of the tenant's is tried, once.
    func upstreamFailed(_ fault: UpstreamFault, _ pool: UpstreamPool) {
        guard phase == .connecting else { return }
        if !exchange.isMoved, let group = exchange.group,
            let other = worker.choose(from: group, excluding: pool)
        {
            exchange.isMoved = true
            forward(to: other, group)
        } else {
            refuse(.upstream(fault), detail: exchange.upstreamDetail)
        }
    }

    /// All of the upstream's connections are taken, and enough requests wait for one.
    func upstreamIsFull() {
        refuse(.gateway(.overloaded), detail: .upstreamConnections)
    }
}
