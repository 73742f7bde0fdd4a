import ControlPlane
import Synchronization

/// Somebody who listens to `/events`: what waits to be sent to it, bounded. Beyond the bound the oldest goes, and the
/// listener is told how many went.
///
/// A class, because the hub puts events in and the connection's task takes them out.
final class EventListener: Sendable {
    /// One event on its way: its name and its data, which is one line of JSON.
    struct Message: Sendable, Equatable {
        let event: String
        let data: [UInt8]
    }

    /// What there is to send.
    struct Batch: Sendable, Equatable {
        var messages: [Message] = []
        /// How many refusals did not fit before these messages.
        var dropped = 0
        /// Whether there will be no more.
        var isOver = false
    }

    /// The tenant whose refusals it wants, as the row's host; nil for all.
    let tenant: String?
    private let waiting = Mutex(Batch())
    private let wakeSignal = WakeSignal()

    init(tenant: String?) {
        self.tenant = tenant
    }

    /// Leaves messages to be sent.
    func append(_ messages: [Message]) {
        guard !messages.isEmpty else { return }
        waiting.withLock { batch in
            batch.messages += messages
            let beyond = batch.messages.count - Limits.eventsWaiting
            guard beyond > 0 else { return }
            batch.messages.removeFirst(beyond)
            batch.dropped += beyond
        }
        wakeSignal.send()
    }

    /// There will be no more events.
    func end() {
        waiting.withLock { $0.isOver = true }
        wakeSignal.send()
    }

    /// Takes what there is to send, once there is anything, but at `time` at the latest. Only one task may wait at a time.
    func next(until time: ContinuousClock.Instant) async -> Batch {
        if let batch = take() { return batch }
        await wakeSignal.wait(until: time)
        return take() ?? Batch()
    }

    private func take() -> Batch? {
        waiting.withLock { batch in
            guard !batch.messages.isEmpty || batch.isOver else { return nil }
            defer { batch = Batch(isOver: batch.isOver) }
            return batch
        }
    }
}
