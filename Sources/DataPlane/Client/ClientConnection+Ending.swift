import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How a client's connection ends.
extension ClientConnection {
    /// Drops what comes after the answer, within bounds of time and number.
    func drop(_ count: Int) {
        dropped += count
        guard dropped <= Limits.lingerBytes else {
            close()
            return
        }
        if isOutputClosed { deadline = min(worker.tick &+ Limits.lingerIdleTicks, lingerEnd) }
    }

    /// Lets everything written leave, half-closes, drops what still comes, then closes, so that the client sees the
    /// answer and not a reset.
    func linger() {
        guard phase != .closed, phase != .lingering else { return }
        endOutput { connection in
            if connection.isHalfClosed {
                connection.close()
                return
            }
            connection.isOutputClosed = true
            connection.lingerEnd = connection.worker.tick &+ Limits.lingerTicks
            connection.deadline = connection.worker.tick &+ Limits.lingerIdleTicks
            connection.channel.close(mode: .output, promise: nil)
            connection.resumeReading()
        }
    }

    /// Closes once everything written has left; where requests wait unanswered, as `linger` does.
    func closeWhenSent() {
        guard phase != .closed, phase != .lingering else { return }
        guard inbound.readableBytes == 0 || isHalfClosed else {
            linger()
            return
        }
        endOutput { $0.close() }
    }

    /// What follows once everything written has left; nobody waits longer than for a body in which nothing moves.
    private func endOutput(_ next: @escaping (ClientConnection) -> Void) {
        sendHeld()
        phase = .lingering
        inbound = ByteBuffer()
        returnSurplus()
        deadline = worker.tick &+ Limits.bodyIdleTicks
        unsentBytes = 0
        whenSent { if $0.phase == .lingering { next($0) } }
        resumeReading()
    }

    /// Closes an idle connection, after the moment in which a request may be on its way; half a head gets a second
    /// more, a request under way all the time there is.
    func drain() {
        switch phase {
        case .head:
            let ticks = inbound.readableBytes == 0 ? Limits.drainedIdleTicks : Limits.drainedHeadTicks
            deadline = min(deadline, worker.tick &+ ticks)
        case .tunnel: endTunnel(.goingAway)
        case .verifying, .judging, .queued, .connecting, .exchanging, .lingering, .closed: break
        }
    }

    /// Ends the connection so that an answer under way cannot look whole, and cancels the upstream.
    func abort() {
        guard phase != .closed else { return }
        if exchange.isCloseDelimited { resetOnClose() }
        close()
    }

    /// Makes the close that follows a reset.
    func resetOnClose() {
        guard let socket = channel as? any SocketOptionProvider else { return }
        _ = socket.setSoLinger(.init(l_onoff: 1, l_linger: 0))
    }

    func close() {
        guard phase != .closed else { return }
        finish()
        channel.close(promise: nil)
    }

    /// Gives the upstream's connection up, unfinished as it is.
    func dropUpstream() {
        let connection = upstream
        upstream = nil
        connection?.cancel()
    }

    func finish() {
        phase = .closed
        dropUpstream()
        giveUpOwnedUpstream()
        leaveSeat()
        tunnel = nil
        inbound = ByteBuffer()
        returnSurplus()
    }

    /// Gives back the seat that the request under way took for its client behind a balancer.
    func leaveSeat() {
        guard let address = exchange.seat else { return }
        exchange.seat = nil
        worker.census.leaveSeat(address)
    }
}
