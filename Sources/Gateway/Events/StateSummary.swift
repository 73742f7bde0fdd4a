import ControlPlane
import Gatekeeper

/// How the gateway is, in few words: the data of an event `state` of `/events`.
struct StateSummary: Codable, Sendable, Equatable {
    /// In the form of RFC 3339.
    let time: String
    let instance: String
    let isReady: Bool
    /// Why it is not ready; absent where it is.
    let reason: String?
    /// Whether it was asked to stop.
    let isDraining: Bool
    let directory: Directory
    let pools: PoolTally

    /// The tenant directory in use.
    struct Directory: Codable, Sendable, Equatable {
        /// `database` or `disk`; absent before the first directory.
        let source: String?
        /// `connecting`, `connected`, `lost` or `schema_too_old`.
        let link: String
        let tenants: Int
        let quarantined: Int
        /// Grows with every read that brought anything.
        let revision: UInt64
    }

    enum CodingKeys: String, CodingKey {
        case time, instance
        case isReady = "ready"
        case reason
        case isDraining = "draining"
        case directory, pools
    }

    /// Whether everything but the time is the same.
    func isSame(as other: StateSummary) -> Bool {
        isReady == other.isReady && reason == other.reason && isDraining == other.isDraining
            && directory == other.directory && pools == other.pools
    }
}

/// How many user pools are in each state, as JSON tells it.
struct PoolTally: Codable, Sendable, Equatable {
    let ready: Int
    let waiting: Int
    let failing: Int
    /// How many of them serve keys from disk, which were not fetched since the start.
    let fromDisk: Int

    enum CodingKeys: String, CodingKey {
        case ready, waiting, failing
        case fromDisk = "from_disk"
    }
}

extension PoolTally {
    init(_ counts: PoolCounts) {
        self.init(
            ready: counts.ready, waiting: counts.waiting, failing: counts.failing, fromDisk: counts.fromDisk)
    }
}

extension StateSummary.Directory {
    init(_ status: DirectoryStatus) {
        self.init(
            source: status.source?.word, link: status.link.word, tenants: status.tenants,
            quarantined: status.quarantined.count, revision: status.revision)
    }
}

extension DirectoryStatus.Source {
    /// One word for people and programs.
    var word: String {
        switch self {
        case .database: "database"
        case .disk: "disk"
        }
    }
}

extension DirectoryStatus.Link {
    /// One word for people and programs.
    var word: String {
        switch self {
        case .connecting: "connecting"
        case .connected: "connected"
        case .lost: "lost"
        case .schemaTooOld: "schema_too_old"
        }
    }
}
