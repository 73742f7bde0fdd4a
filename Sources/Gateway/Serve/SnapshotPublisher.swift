import DataPlane
import Synchronization

/// Publishes what holds to the event loops, until it is closed. It is closed before the loops end, since nothing may be
/// scheduled on a loop that has ended.
///
/// A class, because directory and user pools publish through the same one.
final class SnapshotPublisher: Sendable {
    private let feed: SnapshotFeed
    private let isOpen = Mutex(true)

    init(_ feed: SnapshotFeed) {
        self.feed = feed
    }

    /// Has `publish` put something into the feed, unless the publisher is closed.
    func publish(_ publish: (SnapshotFeed) -> Void) {
        isOpen.withLock { if $0 { publish(feed) } }
    }

    /// Publishes nothing from now on. A publication under way ends first.
    func close() {
        isOpen.withLock { $0 = false }
    }
}
