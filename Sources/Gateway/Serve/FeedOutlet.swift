import DataPlane
import Synchronization

/// The way to the loops' snapshots, closed before the loops end: nothing may be scheduled on a loop that is gone.
///
/// A class, because directory and pools publish through the same one.
final class FeedOutlet: Sendable {
    private let feed: SnapshotFeed
    private let isOpen = Mutex(true)

    init(_ feed: SnapshotFeed) {
        self.feed = feed
    }

    /// Publishes something, unless the loops are gone.
    func use(_ publish: (SnapshotFeed) -> Void) {
        isOpen.withLock { if $0 { publish(feed) } }
    }

    func close() {
        isOpen.withLock { $0 = false }
    }
}
