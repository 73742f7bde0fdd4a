import ControlPlane
import DataPlane
import Gatekeeper

/// Everything that one scrape is written from, as it was at one moment; a value, so that the text is a pure function of it.
struct MetricsFacts: Sendable {
    /// What the loops say.
    let loops: CountersReading
    /// The number of the newest snapshot, which the loops are to judge by.
    let snapshotEpoch: UInt64
    /// What the control plane did.
    let control: ControlCounters.Reading
    /// The status of every user pool.
    let pools: [PoolStatus]
    /// The tenant directory.
    let directory: DirectoryStatus
    /// The certificates that clients may be shown, and when each expires, in seconds since 1970.
    let certificateEnds: [(name: String, seconds: Int64)]
    let isReady: Bool
    let isStopping: Bool
    /// Lines of the log that did not fit, since the start.
    let droppedLines: Int
    let process: ProcessFigures
    let version: String
    let startedAt: Instant
    /// When all of this was so.
    let now: Instant
}
