import Gatekeeper
import NIOCore

/// What a connection waits for, and for how long.
extension ClientConnection {
    /// Whether this client still waits for the connection that it was given `ticket` for: not for that of a request that
    /// came later.
    func waits(with ticket: UInt32) -> Bool {
        (phase == .queued || phase == .connecting) && self.ticket == ticket
    }

    /// Begins to wait in an upstream's line, for a time.
    func waitsInLine() -> UInt32 {
        phase = .queued
        ticket &+= 1
        deadline = worker.tick &+ worker.waitTicks
        return ticket
    }

    /// Begins to wait for a connection that is made for it, for a time.
    func waitsForConnection() -> UInt32 {
        phase = .connecting
        ticket &+= 1
        deadline = worker.tick &+ Limits.connectionTicks
        return ticket
    }

    /// Begins to wait for a pool's answer, for a time.
    func waitsForKey() -> UInt32 {
        phase = .judging
        ticket &+= 1
        deadline = worker.tick &+ Limits.keyTicks
        return ticket
    }

    /// Its turn has come after a refusal: whoever sends nothing but what is refused must not fill the loop's turns.
    func letGo() {
        isHeldBack = false
        guard phase == .head else { return }
        process()
    }

    /// Restarts the clock that ends a wait of `ticks`.
    func expectProgress(within ticks: UInt32) {
        deadline = worker.tick &+ ticks
    }

    /// Called once a tick: ends what took too long.
    func turn(_ tick: UInt32) {
        noteSending()
        guard tick >= deadline else { return }
        switch phase {
        case .head:
            if inbound.readableBytes > 0, channel.isWritable {
                refuse(.request(.headTimeout))
            } else {
                close()
            }
        case .queued: refuse(.gateway(.overloaded), detail: .upstreamConnections)
        case .verifying: refuse(.gateway(.overloaded), detail: .verification)
        case .judging: refuse(.gateway(.keysUnavailable), detail: .noKeyLookup)
        case .connecting: refuse(.upstream(.connectTimeout), detail: exchange.upstreamDetail)
        case .exchanging: exchangeTimedOut()
        case .tunnel: tunnelTimedOut()
        case .lingering: close()
        case .closed: break
        }
    }

    private func exchangeTimedOut() {
        if !exchange.isAnswerBegun, exchange.isRequestComplete {
            exchange.pool?.failedToAnswer(exchange.group)
            dropUpstream()
            refuse(.upstream(.responseTimeout), detail: exchange.upstreamDetail)
        } else {
            abort()
        }
    }

    /// Bytes that left for a slow client are progress too.
    private func noteSending() {
        let isSending =
            switch phase {
            case .exchanging, .lingering: true
            case .head: !channel.isWritable
            case .verifying, .judging, .queued, .connecting, .tunnel, .closed: false
            }
        guard isSending else { return }
        let unsent = unsent
        if unsent < unsentBytes, !isOutputClosed { expectProgress(within: Limits.bodyIdleTicks) }
        unsentBytes = unsent
    }
}
