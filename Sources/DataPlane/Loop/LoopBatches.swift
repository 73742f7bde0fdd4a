import Gatekeeper
import NIOCore

/// Who waits for a token to be verified: an exchange.
///
/// A protocol, as `LoopConnection` and `LastingExchange` are, so that the loop names nothing that runs on it.
protocol BatchMember: AnyObject {
    /// Whether it still stands in line for its tenant's turn.
    var waitsForTurn: Bool { get }

    /// Its tenant's turn has come.
    func judgeInTurn()

    /// The batch in which its token was verified has ended.
    func batchEnded()
}

/// What a loop does between two looks at its sockets, so that no request waits long for what others cost: signatures are
/// verified a few at a time, one tenant after the other, and connections that were refused are read from again in turn.
///
/// A class, since requests and connections join it from everywhere on the loop. What waits here is bounded: exchanges by
/// `Limits.waitingTokens`, connections by `max-connections`, streams by `Limits.streams` of each.
final class LoopBatches {
    private let judge: Judge
    private let loop: any EventLoop
    private var bell: BatchBell?
    private var isEndScheduled = false
    /// How many batches have ended.
    private(set) var count: UInt64 = 0
    /// Exchanges whose tokens are not remembered, in their tenants' turns.
    private var verifications = FairLine<HostPattern, any BatchMember>(
        partyLimit: Limits.waitingTokensOfTenant, limit: Limits.waitingTokens)
    /// Exchanges that had a signature verified in this batch.
    private var judged: [any BatchMember] = []
    /// Connections that were refused, and streams behind some that were, in the order in which they are read from again.
    private var heldBack = FairLine<HostPattern?, any HeldBackMember>(partyLimit: .max, limit: .max)

    init(judge: Judge, loop: any EventLoop) {
        self.judge = judge
        self.loop = loop
        judge.allowance = Limits.verificationsPerBatch
    }

    /// Hangs the bell that has the loop look at its sockets between two batches; ready once the future is.
    func start() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        return BatchBell.hang(on: loop) { bound.value.begin() }.map { bound.value.bell = $0.value }
    }

    func stop() {
        bell?.takeDown()
        bell = nil
    }

    // MARK: Who waits

    /// How many exchanges stand in line for their tenants' turns, those gone meanwhile included.
    var waitingVerifications: Int { verifications.count }

    /// How many connections wait to be read from again.
    var heldBackConnections: Int { heldBack.count }

    /// Has an exchange stand in line for its tenant's turn; false where too many of the tenant's do.
    func lineUp(_ exchange: any BatchMember, of tenant: HostPattern) -> Bool {
        scheduleEnd()
        return verifications.append(exchange, of: tenant)
    }

    /// Has an exchange go on as the batch ends. Verifying takes so long that whoever is sent something in between falls
    /// asleep and has to be woken each time: so what a batch came to is sent when all of it is done.
    func awaitEnd(_ exchange: any BatchMember) {
        judged.append(exchange)
        scheduleEnd()
    }

    /// Reads nothing more of a connection or stream before its turn, which is one of `tenant`'s.
    func holdBack(_ member: any HeldBackMember, of tenant: HostPattern?) {
        _ = heldBack.append(member, of: tenant)
        scheduleEnd()
    }

    // MARK: The batch

    private func scheduleEnd() {
        guard !isEndScheduled else { return }
        isEndScheduled = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.end() }
    }

    /// The sockets were looked at, and somebody waits.
    private func begin() {
        judge.allowance = Limits.verificationsPerBatch
        end()
    }

    /// Verifies a few signatures for those who wait, lets them and those of this batch go on, then has the loop look at
    /// its sockets again.
    private func end() {
        var served = 0
        count &+= 1
        while judge.allowance > 0, served < Limits.waitingServedPerBatch, let exchange = verifications.next()
        {
            // Those who wait no longer take nobody's place.
            guard exchange.waitsForTurn else { continue }
            exchange.judgeInTurn()
            served += 1
        }
        // Whatever comes from here on lines up behind those who wait.
        judge.allowance = 0
        let judged = judged
        self.judged = []
        for exchange in judged { exchange.batchEnded() }
        letHeldBackGo()
        if verifications.isEmpty, heldBack.isEmpty {
            isEndScheduled = false
            judge.allowance = Limits.verificationsPerBatch
        } else {
            bell?.ring()
        }
    }

    /// Reads on from a few who were refused. Those who are gone take nobody's place, so that clients who come, are refused
    /// and go never make this line longer than the loop has connections.
    private func letHeldBackGo() {
        var (read, looked) = (0, 0)
        while read < Limits.refusedPerBatch, looked < Limits.heldBackLooksPerBatch,
            let member = heldBack.next()
        {
            looked += 1
            if member.isClosed { continue }
            member.letGo()
            read += 1
        }
    }
}
