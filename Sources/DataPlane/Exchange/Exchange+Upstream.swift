import Gatekeeper
import HTTPMessage
import NIOCore

/// The way of a request to one of its tenant's upstreams.
extension Exchange {
    /// Chooses one of the tenant's upstreams and a connection to it.
    func findConnection() {
        guard let tenant else { return }
        times.judged = worker.clock.monotonic
        times.connected = times.judged
        let group = upstreams.group(for: tenant)
        self.group = group
        if let (connection, member) = peer.ownedUpstream(of: group, for: identity) {
            self.member = member
            connected(by: connection)
        } else if let member = usableChoice ?? upstreams.choose(from: group) {
            connect(to: member)
        }
    }

    /// The upstream that was chosen already, unless its pool was given up meanwhile.
    private var usableChoice: UpstreamGroup.Member? {
        chosen.flatMap { $0.pool.isRetired ? nil : $0 }
    }

    /// Goes to one of the upstreams, now or when there is a connection.
    private func connect(to member: UpstreamGroup.Member) {
        self.member = member
        let isAnonymous = identity == nil
        if let connection = member.pool.takeIdle(for: member.use, isAnonymous: isAnonymous) {
            connected(by: connection)
        } else {
            member.pool.find(for: self, member.use, isAnonymous: isAnonymous)
        }
    }

    /// Another of the tenant's upstreams is tried, where there is one.
    func moveElsewhere(_ fault: UpstreamFault) {
        guard let group, let other = upstreams.choose(from: group, excluding: member?.pool) else {
            perform(machine.refused(.upstream(fault), nil))
            return
        }
        connect(to: other)
    }

    /// The same upstream is asked for another connection.
    func retry() {
        guard let member else { return }
        worker.counters.retries &+= 1
        member.pool.find(for: self, member.use, isAnonymous: identity == nil)
    }

    // MARK: Events of the upstream's pool

    /// It joins the upstream's line; gives the ticket of its wait.
    func joinedLine() -> UInt32 { machine.joinedLine(at: worker.clock.tick) }

    /// A connection is being opened for it; gives the ticket of its wait.
    func connectionBegun() -> UInt32 { machine.connectionBegun(at: worker.clock.tick) }

    /// Whether it still waits for the connection of `ticket`, and not for that of a later request.
    func waits(for ticket: UInt32) -> Bool { machine.waits(for: ticket) }

    /// Enough requests stand in the upstream's line.
    func lineIsFull() {
        perform(machine.refused(.gateway(.overloaded), .upstreamConnections))
    }

    /// No connection to the upstream could be had.
    func connectFailed(_ fault: UpstreamFault) {
        perform(machine.connectFailed(fault))
    }

    /// The connection that it waited for.
    func offered(_ connection: any UpstreamWire) {
        times.connected = worker.clock.monotonic
        connected(by: connection)
        client?.resume()
    }

    private func connected(by connection: any UpstreamWire) {
        switch machine.connected(isRestAtHand: client?.isRestOfBodyAtHand ?? false, at: worker.clock.tick) {
        case .start: start(connection)
        case .park: connection.park()
        case .parkAndBreakOff:
            connection.park()
            countLostClient()
            client?.abort()
        }
    }

    /// Sends the head, and in the same write what of a short body was read already.
    private func start(_ connection: any UpstreamWire) {
        attach(connection)
        if chosen != nil { readdressAssertion() }
        connection.begin(self, head)
        if authenticatesConnection, !peer.way.isTrusted { peer.own(connection, for: identity) }
        // A write can fail at once, and the next request begin: so this one's state moves on first, and whether it still is
        // this one is looked at behind it.
        let came = times.came
        if head.framing != .none, let first = client?.takeFirstBody() {
            let action = machine.bodyPassed(isLast: first.isLast, at: worker.clock.tick)
            guard action == .none else { return perform(action) }
            bytesIn += UInt64(first.bytes.readableBytes)
            outboundHead.writeImmutableBuffer(first.bytes)
            connection.sendHead(outboundHead, isWhole: first.isLast)
        } else {
            connection.sendHead(outboundHead, isWhole: false)
        }
        if times.came == came { times.sent = worker.clock.monotonic }
        client?.resumeReading()
    }

    // MARK: Events of the upstream's wire before a response

    /// The connection broke before a response began.
    func connectionLost(_ loss: ConnectionLoss) {
        detachUpstream()
        perform(machine.connectionLost(loss))
    }
}
