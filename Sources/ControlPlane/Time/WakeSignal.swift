/// Wakes a task that sleeps until a given time, when somebody else has work for it before that time.
package struct WakeSignal: Sendable {
    private let signals: AsyncStream<Void>
    private let sender: AsyncStream<Void>.Continuation

    /// A signal that nobody has sent.
    package init() {
        // One pending signal is as good as many: the task that wakes looks at everything there is to do.
        (signals, sender) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Ends the wait under way; where nobody waits now, the next wait ends at once.
    package func send() {
        sender.yield()
    }

    /// Returns at `time`, or earlier after a signal or when the task is cancelled. Only one task may wait at a time.
    package func wait(until time: ContinuousClock.Instant) async {
        let alarm = Task { [sender] in
            guard (try? await Task.sleep(until: time, clock: .continuous)) != nil else { return }
            sender.yield()
        }
        var iterator = signals.makeAsyncIterator()
        await iterator.next()
        alarm.cancel()
    }
}
