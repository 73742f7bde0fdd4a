import Glibc

/// Waits for a socket, for the mailbox's wake-up, or for a moment, whichever comes first.
struct SocketWait {
    enum Event {
        case ready, woken, expired
    }

    static func wait(
        socket: Int32, reading: Bool, writing: Bool, wakeReader: Int32,
        until deadline: ContinuousClock.Instant?
    ) -> Event {
        var descriptors = [
            pollfd(fd: socket, events: Int16((reading ? POLLIN : 0) | (writing ? POLLOUT : 0)), revents: 0),
            pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0),
        ]
        let milliseconds: Int32
        if let deadline {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return .expired }
            // Rounded up, so that the wait does not end just before the deadline, and bounded.
            milliseconds = Int32(clamping: min(left, .seconds(3600)).wholeMilliseconds + 1)
        } else {
            milliseconds = -1
        }
        let count = poll(&descriptors, 2, milliseconds)
        guard count > 0 else { return .woken }
        if descriptors[1].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 256)
            while read(wakeReader, &bytes, bytes.count) > 0 {}
        }
        return descriptors[0].revents != 0 ? .ready : .woken
    }
}

extension Duration {
    /// The time in milliseconds, rounded down and bounded.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        if seconds >= 2_147_483 { return Int64(Int32.max) }
        return seconds < 0 ? 0 : seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
