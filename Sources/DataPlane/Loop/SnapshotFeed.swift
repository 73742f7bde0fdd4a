package import Gatekeeper
import NIOCore
import Platform
import Synchronization

/// Where the control plane leaves what holds now, and each event loop picks it up.
///
/// A class, because writers and loops share the one latest snapshot. Many changes between two batches of a loop reach
/// it as one. A replaced snapshot is kept until every loop has taken a newer one and is then freed on the writer's
/// side, since freeing 100,000 tenants would stall a loop.
package final class SnapshotFeed: Sendable {
    private let state = Mutex(State())

    private struct State {
        var latest = Snapshot()
        var subscribers: [Subscriber] = []
        var replaced: [Snapshot] = []
    }

    private struct Subscriber {
        let loop: any EventLoop
        var takenEpoch: UInt64 = 0
        var isScheduled = false
        /// Since when a newer snapshot waits for the loop, in nanoseconds of the monotonic clock; nil where none does.
        var waitsSince: UInt64?
        let take: @Sendable () -> Void
    }

    /// A feed without subscribers, before anything was published.
    package init() {}

    /// The newest snapshot; epoch 0 before anything was published.
    package var latest: Snapshot { state.withLock { $0.latest } }

    /// Replaces the tenant directory on every loop.
    package func publish(directory: Directory) {
        publish { $0.directory = directory }
    }

    /// Replaces the keys of one pool on every loop; nil forgets them.
    package func publish(_ keys: PublishedKeys?, for pool: PoolName) {
        publish { $0.setKeys(keys, of: pool) }
    }

    /// Says from when on the directory is too old to be believed.
    package func publish(staleAfter: Instant) {
        publish { $0.staleAfter = staleAfter }
    }

    /// Replaces the keys that sign assertions on every loop.
    package func publish(assertions: AssertionKeys) {
        publish { $0.assertions = assertions }
    }

    private func publish(_ change: (inout Snapshot) -> Void) {
        let (freed, wake) = state.withLock { state -> ([Snapshot], [Subscriber]) in
            state.replaced.append(state.latest)
            change(&state.latest)
            state.latest.epoch += 1
            let oldestInUse = state.subscribers.map(\.takenEpoch).min() ?? state.latest.epoch
            let freed = state.replaced.prefix { $0.epoch < oldestInUse }
            state.replaced.removeFirst(freed.count)
            var wake: [Subscriber] = []
            for index in state.subscribers.indices where !state.subscribers[index].isScheduled {
                state.subscribers[index].isScheduled = true
                state.subscribers[index].waitsSince = MonotonicClock.nanoseconds
                wake.append(state.subscribers[index])
            }
            return (Array(freed), wake)
        }
        for subscriber in wake { subscriber.loop.execute(subscriber.take) }
        withExtendedLifetime(freed) {}
    }

    /// Calls `take` on `loop` after each change; the loop then calls `taken(by:)`.
    func subscribe(_ loop: any EventLoop, take: @escaping @Sendable () -> Void) {
        state.withLock { $0.subscribers.append(Subscriber(loop: loop, take: take)) }
        loop.execute(take)
    }

    /// Leaves `loop` alone from now on: it is about to end.
    func unsubscribe(_ loop: any EventLoop) {
        state.withLock { $0.subscribers.removeAll { $0.loop === loop } }
    }

    /// The newest snapshot, noting that `loop` uses no older one from now on; and for how many nanoseconds it waited
    /// for the loop, where it did.
    func taken(by loop: any EventLoop) -> (snapshot: Snapshot, waited: UInt64?) {
        state.withLock { state in
            var waited: UInt64?
            if let index = state.subscribers.firstIndex(where: { $0.loop === loop }) {
                state.subscribers[index].takenEpoch = state.latest.epoch
                state.subscribers[index].isScheduled = false
                waited = state.subscribers[index].waitsSince.map { MonotonicClock.nanoseconds &- $0 }
                state.subscribers[index].waitsSince = nil
            }
            return (state.latest, waited)
        }
    }
}
