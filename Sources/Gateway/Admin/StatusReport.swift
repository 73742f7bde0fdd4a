import ControlPlane
import Gatekeeper
import JOSE
import Postgres

/// What `/status` returns as JSON, and commands read; `ops/guide/status.schema.json` describes it. Times are in the form of
/// RFC 3339, ages in whole seconds.
struct StatusReport: Codable, Sendable {
    let instance: String
    let version: String
    let startedAt: String
    let isReady: Bool
    /// Why it is not ready; absent where it is.
    let reason: String?
    /// Whether it was asked to stop.
    let isDraining: Bool
    let listeners: [BoundListener]
    let directory: Directory
    /// How many of all pools are in which state.
    let poolCounts: PoolTally
    /// The pools that the query asks for, in the order of their names.
    let pools: [Pool]
    /// How many come behind them. The next ones are asked for by `after`, with the last one's region and id.
    let poolsLeftOut: Int
    /// The gateways that write into the same database, this one among them; absent where the database could not be asked.
    let replicas: [Replica]?
    /// Why it could not be asked; absent where it could.
    let replicasError: String?

    /// A gateway, as it has written itself into the database.
    struct Replica: Codable, Sendable {
        let instance: String
        let hostName: String
        let version: String
        /// `serving`, `starting`, `draining` or `silent`.
        let state: String
        let startedAt: String
        let seenAt: String
        /// Since its directory was known to be what the database holds; absent where it does not tell.
        let directoryAgeSeconds: Int64?
        let tenants: Int64
        let quarantined: Int64
        let pools: Int64
        let failingPools: Int64
        /// Whether it is the one that reports.
        let isSelf: Bool

        enum CodingKeys: String, CodingKey {
            case instance
            case hostName = "host_name"
            case version, state
            case startedAt = "started_at"
            case seenAt = "seen_at"
            case directoryAgeSeconds = "directory_age_seconds"
            case tenants, quarantined, pools
            case failingPools = "failing_pools"
            case isSelf = "self"
        }
    }

    /// The tenant directory in use.
    struct Directory: Codable, Sendable {
        /// Where it came from: `database` or `disk`; absent before the first directory.
        let source: String?
        /// The state of the connection to the database: `connecting`, `connected`, `lost` or `schema_too_old`.
        let link: String
        let error: String?
        let tenants: Int
        let pools: Int
        /// Rows that cannot be served, by host, and why: the first of them, `quarantinedCount` in all.
        let quarantined: [String: String]
        let quarantinedCount: Int
        /// Grows with every read that brought anything.
        let revision: UInt64
        /// When it was last known to be what the database holds.
        let confirmedAt: String?
        let ageSeconds: Int64?
        /// Whether notifications of changes arrive; without them, changes take up to a second.
        let isListening: Bool?
        /// Up to when the copy on disk says what the database held; absent where there is none.
        let savedAt: String?
        let savedAgeSeconds: Int64?
        /// Why the copy could not be written; absent where it could.
        let saveError: String?

        enum CodingKeys: String, CodingKey {
            case source, link, error, tenants, pools, quarantined
            case quarantinedCount = "quarantined_count"
            case revision
            case confirmedAt = "confirmed_at"
            case ageSeconds = "age_seconds"
            case isListening = "listening"
            case savedAt = "saved_at"
            case savedAgeSeconds = "saved_age_seconds"
            case saveError = "save_error"
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
        /// Where the keys came from: `endpoint` or `disk`; absent where there are none.
        let keysFrom: String?
        /// Since when each key is known.
        let firstSeen: [String: String]
        let keysAgeSeconds: Int64?
        /// Until when the keys are trusted if no fetch succeeds; absent where there are none.
        let trustedUntil: String?
        let lastAttempt: String?
        let nextAttempt: String?
        let error: String?
        /// After a refresh by hand: the keys that ceased to be trusted by it.
        var withdrawn: [String]?
        /// Keys that are not trusted whatever the pool publishes, each with when and why it was withdrawn by SQL.
        let withdrawnBySQL: [String: String]

        enum CodingKeys: String, CodingKey {
            case region
            case poolID = "pool_id"
            case state, since, keys
            case keysFrom = "keys_from"
            case firstSeen = "first_seen"
            case keysAgeSeconds = "keys_age_seconds"
            case trustedUntil = "trusted_until"
            case lastAttempt = "last_attempt"
            case nextAttempt = "next_attempt"
            case error, withdrawn
            case withdrawnBySQL = "withdrawn_by_sql"
        }
    }

    enum CodingKeys: String, CodingKey {
        case instance, version
        case startedAt = "started_at"
        case isReady = "ready"
        case reason
        case isDraining = "draining"
        case listeners, directory
        case poolCounts = "pool_counts"
        case pools
        case poolsLeftOut = "pools_left_out"
        case replicas
        case replicasError = "replicas_error"
    }
}

extension StatusReport.Replica {
    init(_ replica: PageDatabase.Replica) {
        instance = replica.instance
        hostName = replica.hostName
        version = replica.version
        state = replica.state
        startedAt = replica.startedAt.timestamp
        seenAt = replica.seenAt.timestamp
        directoryAgeSeconds = replica.directoryAge.map { max(0, $0) }
        tenants = replica.tenants
        quarantined = replica.quarantined
        pools = replica.pools
        failingPools = replica.failingPools
        isSelf = replica.isSelf
    }
}

extension StatusReport.Directory {
    init(_ status: DirectoryStatus, now: Instant) {
        switch status.link {
        case .connecting, .connected: error = nil
        case .lost(let reason): error = reason.description
        case .schemaTooOld: error = "run 'poolgate migrate'"
        }
        source = status.source?.word
        link = status.link.word
        tenants = status.tenants
        pools = status.pools
        quarantinedCount = status.quarantined.count
        let shown =
            status.quarantined.count <= Limits.quarantinedPerStatus
            ? Array(status.quarantined)
            : Array(status.quarantined.sorted { $0.key < $1.key }.prefix(Limits.quarantinedPerStatus))
        quarantined = Dictionary(shown.map { ($0.key, $0.value.description) }) { first, _ in first }
        revision = status.revision
        confirmedAt = status.confirmedAt?.timestamp
        ageSeconds = status.confirmedAt.map { max(0, now.seconds(since: $0)) }
        isListening = status.isListening
        savedAt = status.savedAt?.timestamp
        savedAgeSeconds = status.savedAt.map { max(0, now.seconds(since: $0)) }
        saveError = status.saveFlaw?.description
    }
}

extension StatusReport.Pool {
    init(_ status: PoolStatus, now: Instant, _ withdrawnKeys: WithdrawnKeys) {
        withdrawnBySQL = withdrawnKeys[status.pool].mapValues(\.description)
        region = status.pool.region.description
        poolID = status.pool.poolID.description
        state = status.state.rawValue
        since = status.since.timestamp
        keys = status.keyIDs.map(\.description)
        keysFrom = status.keyIDs.isEmpty ? nil : status.areKeysFromDisk ? "disk" : "endpoint"
        firstSeen = Dictionary(
            status.keyIDs.compactMap { kid in
                status.firstSeen[kid].map { (kid.description, $0.timestamp) }
            }
        ) { first, _ in first }
        keysAgeSeconds = status.lastSuccess.map { max(0, now.seconds(since: $0)) }
        trustedUntil = status.trustedUntil?.timestamp
        lastAttempt = status.lastAttempt?.timestamp
        nextAttempt = status.nextAttempt?.timestamp
        error = status.error
    }
}
