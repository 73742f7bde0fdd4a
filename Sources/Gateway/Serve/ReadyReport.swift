import ControlPlane
import Gatekeeper

/// What `/ready` returns as JSON: whether the gateway is ready, and what it serves by, in words.
struct ReadyReport: Codable, Sendable, Equatable {
    /// `ready` or `unready`.
    let status: String
    /// Why it is not ready; absent where it is.
    let reason: String?
    /// Where the directory in use came from: `database`; `memory, confirmed 5 min ago` while the database cannot be reached;
    /// or `disk, saved 12 min ago`. Absent before the first directory.
    let directory: String?
    /// How many pools' keys are from disk, such as `disk for 3 of 12 pools`; absent where none are.
    let keys: String?
}

extension ReadyReport {
    init(_ readiness: Readiness, _ status: DirectoryStatus, _ pools: PoolCounts, at now: Instant) {
        self.init(
            status: readiness.isReady ? "ready" : "unready", reason: readiness.reason,
            directory: status.source.map { ReadyReport.words($0, status, at: now) },
            keys: pools.fromDisk == 0
                ? nil : "disk for \(pools.fromDisk) of \(pools.ready + pools.waiting + pools.failing) pools")
    }

    private static func words(
        _ source: DirectoryStatus.Source, _ status: DirectoryStatus, at now: Instant
    ) -> String {
        switch source {
        case .disk(let savedAt): return "disk, saved \(PersonTime(min(savedAt, now), now: now).distance)"
        case .database where status.link == .connected: return "database"
        case .database:
            let confirmed = status.confirmedAt.map { PersonTime(min($0, now), now: now).distance }
            return confirmed.map { "memory, confirmed \($0)" } ?? "memory"
        }
    }
}
