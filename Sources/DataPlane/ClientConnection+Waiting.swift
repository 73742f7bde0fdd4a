import Gatekeeper
import NIOCore

/// What a connection waits for, and for how long.
extension ClientConnection {
    /// Whether this client still waits for what it was given `ticket` for.
    func waits(with ticket: UInt32) -> Bool { phase == .queued && self.ticket == ticket }

    /// Begins to wait in an upstream's line, for a time.
    func waitsInLine() -> UInt32 {
        phase = .queued
        ticket &+= 1
        deadline = worker.tick &+ worker.waitTicks
        return ticket
    }

    func waitsForConnection() {
        phase = .connecting
        deadline = worker.tick &+ Limits.answerTicks
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
                refuse(.headTimeout)
            } else {
                close()
            }
        case .queued: refuse(.overloaded, detail: "upstream_connections")
        case .verifying: refuse(.overloaded, detail: "verification")
        case .judging: refuse(.keysUnavailable, detail: "no_answer")
        case .connecting: deadline = tick &+ Limits.answerTicks
        case .exchanging: exchangeTimedOut()
        case .tunnel: tunnelTimedOut()
        case .lingering: close()
        case .closed: break
        }
    }

    private func exchangeTimedOut() {
        if !exchange.isAnswerBegun, exchange.isRequestComplete {
            exchange.pool?.health.failed(at: worker.tick)
            dropUpstream()
            refuse(.upstream(.answerTimeout), detail: exchange.originText)
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
