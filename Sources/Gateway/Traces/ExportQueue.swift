import DataPlane

/// The records whose spans are to be exported, and when the next are: a value without input and output.
///
/// A batch that the collector could not take now is tried again after a pause that doubles; meanwhile newer records wait
/// within the bound, and beyond it they are counted and dropped, for a trace that is late is worth more than one that keeps
/// memory for a collector which does not come back.
struct ExportQueue {
    private var waiting: [RequestRecord] = []
    private var failures = 0
    /// Records that were dropped since they were counted last.
    private(set) var dropped = 0

    /// What an export came to.
    enum Outcome: Equatable {
        case taken
        /// Trying again can help: no response, 408, 429 or a status of 500 and above.
        case failed
        /// Trying again cannot help.
        case refused
    }

    /// What an HTTP status means; nil is no response (OTLP, "Failures": only some are tried again).
    static func outcome(status: Int?) -> Outcome {
        guard let status else { return .failed }
        if (200..<300).contains(status) { return .taken }
        return status == 408 || status == 429 || status >= 500 ? .failed : .refused
    }

    /// Takes what the loops left, and how many did not fit where they left it.
    mutating func take(_ records: [RequestRecord], dropped: Int) {
        let room = max(0, Limits.waitingTraces - waiting.count)
        waiting += records.prefix(room)
        self.dropped += dropped + max(0, records.count - room)
    }

    /// The next ones to be exported; empty where none wait.
    var batch: [RequestRecord] { Array(waiting.prefix(Limits.tracesPerExport)) }

    /// The export of `batch` has ended; how often it failed in a row, 0 where it did not.
    mutating func ended(_ outcome: Outcome) -> Int {
        let count = min(waiting.count, Limits.tracesPerExport)
        switch outcome {
        case .taken:
            waiting.removeFirst(count)
            failures = 0
        case .refused:
            waiting.removeFirst(count)
            dropped += count
            failures = 0
        case .failed: failures += 1
        }
        return failures
    }

    /// How many were dropped since the last call.
    mutating func countDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }
}
