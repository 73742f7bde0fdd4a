import Gatekeeper
import HTTP1
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What is known of a WebSocket that a connection carries.
struct Tunnel {
    let held: HeldAdmission
    /// Follows what goes to the client.
    var frames = WebSocketFrames()
    /// The code of the Close frame that waits for a frame's boundary.
    var closing: CloseCode?
    var isUpstreamEnded = false

    /// Why the gateway closes a WebSocket (RFC 6455 §7.4.1).
    enum CloseCode: UInt16 {
        case goingAway = 1001
        case policyViolation = 1008
    }
}

/// WebSocket: bytes carried both ways, until an end or until the caller may not go on.
extension ClientConnection {
    /// The upstream agreed: passes its answer on and carries bytes from here on.
    func beginTunnel(with answer: ByteBuffer) {
        guard phase == .exchanging, let held = exchange.upgrade?.held else { return }
        phase = .tunnel
        exchange.isAnswerBegun = true
        exchange.status = 101
        tunnel = Tunnel(held: held)
        deadline = .max
        upstream?.allowHalfClosure()
        Tunnel.watch(channel)
        send(answer)
        worker.tunnelBegan(self)
        if inbound.readableBytes > 0 {
            let early = inbound
            inbound = ByteBuffer()
            upstream?.send(early)
        }
        if isHalfClosed { tunnelClientEnded() }
        if worker.isDraining {
            endTunnel(.goingAway)
        } else {
            reviewTunnel(at: worker.now)
        }
        resumeReading()
    }

    func tunnelClientSent(_ bytes: ByteBuffer) {
        upstream?.send(bytes)
    }

    /// The client sends nothing more: the upstream hears so, and may go on.
    func tunnelClientEnded() {
        guard tunnel?.isUpstreamEnded == false else {
            close()
            return
        }
        upstream?.endOutput()
    }

    func tunnelUpstreamSent(_ bytes: ByteBuffer) {
        guard var tunnel, phase == .tunnel else { return }
        let stopsAtBoundary = tunnel.closing != nil
        let count = bytes.withUnsafeReadableBytes { tunnel.frames.advance($0, toBoundary: stopsAtBoundary) }
        self.tunnel = tunnel
        if count == bytes.readableBytes {
            send(bytes)
        } else if let whole = bytes.getSlice(at: bytes.readerIndex, length: count), count > 0 {
            send(whole)
        }
        if stopsAtBoundary, tunnel.frames.isAtBoundary { sayClose() }
    }

    /// The upstream sends nothing more: the client hears so once it has everything, and may go on.
    func tunnelUpstreamEnded() {
        guard tunnel != nil, !isHalfClosed else {
            closeWhenSent()
            return
        }
        tunnel?.isUpstreamEnded = true
        sendHeld()
        whenSent { if $0.phase == .tunnel { $0.channel.close(mode: .output, promise: nil) } }
    }

    /// The upstream's connection is gone; what came of it still reaches the client.
    func tunnelUpstreamBroke() {
        guard phase == .tunnel else { return }
        upstream = nil
        closeWhenSent()
    }

    // MARK: The end that the gateway makes

    /// Ends it where time or the rows do not allow it any longer.
    func reviewTunnel(at now: Instant) {
        guard phase == .tunnel, let tunnel, tunnel.closing == nil,
            let refusal = worker.judge.review(tunnel.held, at: now)
        else { return }
        record(refusal, status: 101, requestID: .random(), detail: .webSocketClosed, now: now)
        endTunnel(.policyViolation)
    }

    /// Closes at the next boundary of a frame, and by a reset where none comes in time.
    func endTunnel(_ code: Tunnel.CloseCode) {
        guard tunnel != nil, tunnel?.closing == nil else { return }
        tunnel?.closing = code
        deadline = worker.tick &+ Limits.closingTicks
        if tunnel?.frames.isAtBoundary == true { sayClose() }
    }

    private func sayClose() {
        guard let code = tunnel?.closing else { return }
        if tunnel?.isUpstreamEnded == false {
            send(ByteBuffer(bytes: WebSocketFrames.close(code: code.rawValue)))
        }
        dropUpstream()
        linger()
    }

    /// No boundary came in time.
    func tunnelTimedOut() {
        resetOnClose()
        close()
    }
}

extension Tunnel {
    /// Has the kernel ask an idle peer whether it is still there: a WebSocket may be silent for hours.
    static func watch(_ channel: any Channel) {
        guard let options = channel.syncOptions else { return }
        try? options.setOption(.socketOption(.so_keepalive), value: 1)
        try? options.setOption(
            .tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: .init(Limits.keepAliveIdleSeconds))
    }
}

extension UpstreamConnection {
    /// From now on the upstream's FIN ends one direction alone.
    func allowHalfClosure() {
        try? channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        Tunnel.watch(channel)
    }
}
