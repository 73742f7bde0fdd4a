import HTTP2
import HTTPMessage
import NIOCore

/// How a client's HTTP/2 connection goes on in time, and how it ends.
extension HTTP2ClientConnection {
    // MARK: Events of the loop

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32) {
        noteSending(at: tick)
        reportRoom()
        reportRoomForUploads()
        if worker.isLeaving { perform(machine.leave(at: tick)) }
        if tick % Limits.ticksPerSecond == 0 { session.secondPassed() }
        // What must not wait for its turn: calls that are judged anew from now on, and those that watch the gateway's health.
        if hasNewCalls || watches > 0 { _ = lookAtStreams(tick) }
        perform(machine.ticked(at: tick))
    }

    func lookAtStreams(_ tick: UInt32) -> Int {
        let open = streams.values
        hasNewCalls = false
        for stream in open { stream.ticked(tick) }
        return open.count
    }

    /// The gateway ends.
    func drain() {
        for stream in streams.values {
            stream.endWatch()
            stream.exchange.drain()
        }
        perform(machine.leave(at: worker.clock.tick))
    }

    func perform(_ action: HTTP2ConnectionMachine.Action) {
        switch action {
        case .none: break
        case .giveNotice:
            session.giveNotice()
            flushSoon()
        case .goAway:
            session.goAway()
            flushSoon()
            if streams.isEmpty { sayGoodbye() }
        case .sayGoodbye: sayGoodbye()
        case .close: close()
        }
    }

    /// Bytes that left for a slow client are progress.
    private func noteSending(at tick: UInt32) {
        let unsent = writer.unsentBytes
        machine.sending(isStuck: !isWritable, hasProgressed: unsent < unsentBytes, at: tick)
        unsentBytes = unsent
    }

    // MARK: Ends

    /// Ends the session, and closes once what that takes has left.
    func sayGoodbye(_ code: HTTP2ErrorCode = .noError) {
        guard machine.saidGoodbye(at: worker.clock.tick) else { return }
        session.terminate(code)
        sender.send(session, by: writer, from: self, isLast: true)
        worker.counters.clientBytesSent &+= sender.takeSentBytes()
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        writer.whenSent { bound.value.close() }
    }

    /// Ends at once.
    func abort() {
        close()
    }

    func close() {
        guard machine.state != .closed else { return }
        finish()
        channel.close(promise: nil)
    }

    /// Gives up everything that belongs to the connection; once more does nothing.
    func finish() {
        guard machine.close() else { return }
        let open = streams.values
        streams.removeAll()
        touched.removeAll()
        for stream in open { stream.leave() }
        waitingChanged(by: -waitingHeadBytes)
        waitingHeadBytes = 0
    }
}
