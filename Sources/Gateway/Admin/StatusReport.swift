import ControlPlane
import Gatekeeper
import JOSE
import Postgres

/// What `/status` returns as JSON, and `poolgate pools` reads. Times are in the form of RFC 3339, ages in whole seconds.
struct StatusReport: Codable, Sendable {
    let instance: String
    let version: String
    let startedAt: String
    let isReady: Bool
    /// Why it is not ready; absent where it is.
    let reason: String?
    let listeners: [BoundListener]
    let directory: Directory
    let pools: [Pool]

    /// The tenant directory in use.
    struct Directory: Codable, Sendable {
        /// Where it came from: `database` or `disk`; absent before the first directory.
        let source: String?
        /// The state of the connection to the database: `connecting`, `connected`, `lost` or `schema_too_old`.
        let link: String
        let error: String?
        let tenants: Int
        let pools: Int
        let quarantined: [String: String]
        let confirmedAt: String?
        let ageSeconds: Int64?
        let isListening: Bool?

        enum CodingKeys: String, CodingKey {
            case source, link, error, tenants, pools, quarantined
            case confirmedAt = "confirmed_at"
            case ageSeconds = "age_seconds"
            case isListening = "listening"
        }
    }

    /// One user pool and its keys.
    struct Pool: Codable, Sendable {
        let region: String
        let poolID: String
        /// `ready`, `waiting` or `failing`.
        let state: String
        let since: String
        let keys: [String]
        let keysAgeSeconds: Int64?
        let lastAttempt: String?
        let nextAttempt: String?
        let error: String?

        enum CodingKeys: String, CodingKey {
            case region
            case poolID = "pool_id"
            case state, since, keys
            case keysAgeSeconds = "keys_age_seconds"
            case lastAttempt = "last_attempt"
            case nextAttempt = "next_attempt"
            case error
        }
    }

    enum CodingKeys: String, CodingKey {
        case instance, version
        case startedAt = "started_at"
        case isReady = "ready"
        case reason, listeners, directory, pools
    }
}

extension StatusReport {
    init(
        instance: String, version: String, startedAt: String, readiness: Readiness,
        listeners: [BoundListener],
        directory: Directory, pools: [Pool]
    ) {
        self.instance = instance
        self.version = version
        self.startedAt = startedAt
        switch readiness {
        case .ready: (isReady, reason) = (true, nil)
        case .unready(let sentence): (isReady, reason) = (false, sentence)
        }
        self.listeners = listeners
        self.directory = directory
        self.pools = pools
    }
}

extension StatusReport.Directory {
    init(_ status: DirectoryStatus, now: Instant) {
        switch status.source {
        case .database: source = "database"
        case .disk: source = "disk"
        case nil: source = nil
        }
        switch status.link {
        case .connecting: (link, error) = ("connecting", nil)
        case .connected: (link, error) = ("connected", nil)
        case .lost(let reason): (link, error) = ("lost", reason.description)
        case .schemaTooOld: (link, error) = ("schema_too_old", "run 'poolgate migrate'")
        }
        tenants = status.tenants
        pools = status.pools
        quarantined = status.quarantined.mapValues(\.description)
        confirmedAt = status.confirmedAt?.timestamp
        ageSeconds = status.confirmedAt.map { now.seconds(since: $0) }
        isListening = status.isListening
    }
}

extension StatusReport.Pool {
    init(_ status: PoolStatus, now: Instant) {
        region = status.pool.region.description
        poolID = status.pool.poolID.description
        state = status.state.rawValue
        since = status.since.timestamp
        keys = status.keyIDs.map(\.description)
        keysAgeSeconds = status.lastSuccess.map { now.seconds(since: $0) }
        lastAttempt = status.lastAttempt?.timestamp
        nextAttempt = status.nextAttempt?.timestamp
        error = status.failure?.description
    }
}
