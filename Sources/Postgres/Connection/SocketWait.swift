import Glibc

/// Waits on a connection's thread: for its socket, for a byte in the mailbox's pipe, or for a point of time, whichever
/// comes first.
struct SocketWait {
    /// What ended the wait.
    enum Event {
        /// The socket is ready.
        case ready
        /// The mailbox has woken the thread, or a signal interrupted the wait.
        case woken
        /// The time is over.
        case expired
    }

    /// Waits until `deadline`; without one, as long as it takes. A wait may end as `woken` up to a millisecond late, or up
    /// to an hour before a far deadline.
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
            // Rounded up, so that the wait does not end just before the deadline.
            milliseconds = Int32(clamping: min(left, Limits.longestWait).wholeMilliseconds + 1)
        } else {
            milliseconds = -1
        }
        let count = poll(&descriptors, 2, milliseconds)
        guard count > 0 else { return .woken }
        if descriptors[1].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: Limits.wakeBytesReadAtOnce)
            while read(wakeReader, &bytes, bytes.count) > 0 {}
        }
        return descriptors[0].revents != 0 ? .ready : .woken
    }
}
