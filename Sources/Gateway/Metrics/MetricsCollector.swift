import DataPlane
import Gatekeeper
import Synchronization

/// Has the loops asked for their counters: for each scrape, and once a minute for the history.
///
/// A class, because the program runs it while the admin port reads from it.
final class MetricsCollector: Sendable {
    private let board: CountersBoard
    private let kept = Mutex(MetricsHistory())

    /// A collector for the loops of `board`, which may have none yet.
    init(_ board: CountersBoard) {
        self.board = board
    }

    /// What the loops say now; of one that does not answer within `Limits.counterWait`, what it said last.
    func reading() async -> CountersReading { await board.read(within: Limits.counterWait) }

    /// What the loops said when they were asked last: at most a minute old.
    var latest: CountersReading { board.latest }

    /// The last hour, minute by minute.
    var history: MetricsHistory { kept.withLock { $0 } }

    /// Keeps the history until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let reading = await reading()
            kept.withLock { $0.take(reading, at: .now) }
            try? await Task.sleep(for: Limits.historyPause)
        }
    }
}
