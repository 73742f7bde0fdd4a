/// Wakes one task that waits for a time or for somebody to ring, whichever is earlier.
struct Bell: Sendable {
    private let rings: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    init() {
        (rings, ringer) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Ends the wait under way, or the next one at once.
    func ring() {
        ringer.yield()
    }

    /// Returns at `time`, after a ring, or as the task is cancelled. For one task at a time.
    func wait(until time: ContinuousClock.Instant) async {
        let alarm = Task { [ringer] in
            guard (try? await Task.sleep(until: time, clock: .continuous)) != nil else { return }
            ringer.yield()
        }
        var iterator = rings.makeAsyncIterator()
        await iterator.next()
        alarm.cancel()
    }
}
