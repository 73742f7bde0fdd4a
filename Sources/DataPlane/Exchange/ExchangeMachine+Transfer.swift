import Gatekeeper

/// Events of a request and a response on their way.
extension ExchangeMachine {
    // MARK: The request's body

    /// A piece of the body was passed on, the last one where `isLast`.
    mutating func bodyPassed(isLast: Bool, at tick: UInt32) -> ExchangeAction {
        let isWanted =
            withTransfer { transfer in
                guard !transfer.isRequestComplete else { return false }
                transfer.isRequestComplete = isLast
                transfer.until = tick &+ (isLast ? Limits.responseTicks : Limits.bodyIdleTicks)
                return true
            } ?? false
        guard isWanted, hasClientEnded, !isLast else { return .none }
        move(to: .ended)
        return .breakOff(nil, nil, blamesUpstream: false)
    }

    // MARK: The response

    /// An interim (1xx) response came: the wait for the next one begins. False where it is one too many, or comes where
    /// none may.
    mutating func interimCame(at tick: UInt32) -> Bool {
        withTransfer { transfer in
            guard !transfer.isResponseBegun, let ticks = transfer.interim.came(at: tick) else { return false }
            transfer.until = tick &+ ticks
            return true
        } ?? false
    }

    /// The head of the final response came; whether it is wanted.
    mutating func responseBegan() -> Bool {
        withTransfer { transfer in
            let isFirst = !transfer.isResponseBegun
            transfer.isResponseBegun = true
            return isFirst
        } ?? false
    }

    /// Bytes moved towards the client.
    mutating func progressed(at tick: UInt32) {
        _ = withTransfer { $0.until = tick &+ Limits.bodyIdleTicks }
    }

    /// The response came whole.
    mutating func responseEnded() -> ExchangeAction {
        guard case .transferring = state else { return .none }
        move(to: .ended)
        return .finish
    }

    /// The response broke off: the client must not take it for whole.
    mutating func responseBroke() -> ExchangeAction {
        guard case .transferring = state else { return .none }
        move(to: .ended)
        return .breakOff(.upstream(.reset), nil, blamesUpstream: false)
    }

    /// The response breaks HTTP's grammar, or a bound.
    mutating func responseUnusable(_ detail: RefusalDetail?) -> ExchangeAction {
        guard case .transferring(let transfer) = state else { return .none }
        move(to: .ended)
        return transfer.isResponseBegun
            ? .breakOff(.upstream(.badResponse), detail, blamesUpstream: true)
            : .refuse(.upstream(.badResponse), detail, blamesUpstream: true)
    }

    /// The connection broke before a response was begun. The request goes once more by another one where that can do no
    /// harm: the connection was reused, so the upstream may have closed it under the request; nothing was said in
    /// response; and doing the request twice is doing it once (RFC 9110 §9.2.2).
    mutating func connectionLost(_ loss: ConnectionLoss) -> ExchangeAction {
        guard case .transferring(var transfer) = state, !transfer.isResponseBegun else { return .none }
        let isSafe =
            switch loss {
            case .wasFresh, .saidSomething: false
            case .wasReused: maySendTwice
            // Nothing of it was looked at, so sending it again is sending it once.
            case .wasUnprocessed: !hasBody
            }
        guard isSafe, !transfer.attempts.isRetried, transfer.interim.count == 0 else {
            return end(.upstream(.reset), nil, blamesUpstream: loss != .wasUnprocessed)
        }
        transfer.attempts.isRetried = true
        move(to: .routing(transfer.attempts))
        return .retry
    }

    /// Whether request and response are on their way.
    var isTransferring: Bool { if case .transferring = state { true } else { false } }

    /// A call under way is ended with a status.
    mutating func callEnded() {
        move(to: .ended)
    }

    // MARK: WebSocket

    /// The upstream agreed to WebSocket: bytes are carried from here on; whether that is wanted.
    mutating func switched() -> Bool {
        guard case .transferring(let transfer) = state, !transfer.isResponseBegun else { return false }
        move(to: .tunnelling(Tunnel()))
        return true
    }

    /// The upstream sends nothing more: the client hears so once it has everything, and may go on.
    mutating func tunnelUpstreamEnded() -> ExchangeAction {
        guard case .tunnelling(var tunnel) = state else { return .none }
        guard !hasClientEnded else {
            move(to: .ended)
            return .closeClientWhenSent
        }
        tunnel.isUpstreamEnded = true
        move(to: .tunnelling(tunnel))
        return .endClientOutput
    }

    /// The upstream's connection is gone; what came of it still reaches the client.
    mutating func tunnelUpstreamLost() -> ExchangeAction {
        guard case .tunnelling = state else { return .none }
        move(to: .ended)
        return .closeClientWhenSent
    }

    /// The caller may not go on, or the gateway ends.
    mutating func closeTunnel(_ code: CloseCode, at tick: UInt32) -> ExchangeAction {
        guard case .tunnelling(var tunnel) = state, tunnel.closing == nil else { return .none }
        tunnel.closing = Closing(code: code, until: tick &+ Limits.closingTicks)
        move(to: .tunnelling(tunnel))
        return .endTunnel
    }

    /// What goes to the client stands between two frames.
    mutating func tunnelAtBoundary() -> ExchangeAction {
        guard case .tunnelling(let tunnel) = state, let closing = tunnel.closing else { return .none }
        move(to: .ended)
        return .sayClose(tunnel.isUpstreamEnded ? nil : closing.code)
    }

    /// Whether a WebSocket is carried that may go on, so that a change of the rows concerns it.
    var isOpenTunnel: Bool {
        guard case .tunnelling(let tunnel) = state else { return false }
        return tunnel.closing == nil
    }
}
