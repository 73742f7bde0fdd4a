import NIOCore

/// Who has something to send once the loop has looked at all of its sockets.
///
/// A protocol, so that the loop names nothing that runs on it.
protocol LoopFlushMember: AnyObject {
    /// Sends what waits.
    func flushDue()
}

/// Connections that many requests share, to be flushed once in each round of their loop: a write costs the kernel more
/// than a request costs us.
///
/// A class, since connections join it from everywhere on the loop. Bounded by the connections of the loop, each of which
/// joins once until it was flushed.
final class LoopFlushes {
    private let loop: any EventLoop
    private var members: [any LoopFlushMember] = []
    private var spare: [any LoopFlushMember] = []
    private var isScheduled = false

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Flushes `member` before the loop looks at its sockets again.
    func add(_ member: any LoopFlushMember) {
        members.append(member)
        guard !isScheduled else { return }
        isScheduled = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.flush() }
    }

    private func flush() {
        isScheduled = false
        swap(&members, &spare)
        for member in spare { member.flushDue() }
        spare.removeAll(keepingCapacity: spare.count <= Limits.keptFlushes)
    }
}
