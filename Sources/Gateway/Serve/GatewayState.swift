import ControlPlane
import Gatekeeper
import Synchronization

/// The state of the whole gateway for its admin port: what its parts report, in one place.
///
/// A class, because the parts write it and the admin port reads it; each step under its lock is short.
final class GatewayState: Sendable {
    /// The name of this run of the program.
    let instance: String
    let version: String
    /// When the program was started.
    let startedAt: Instant
    private let isFirstPassDone: @Sendable () -> Bool
    private let pools: @Sendable () -> [PoolStatus]
    private let poolCounts: @Sendable () -> PoolCounts
    private let poolTable: @Sendable () -> [PoolName: PoolStatus]
    private let values = Mutex(ReportedState())

    init(
        instance: String, version: String, startedAt: Instant,
        isFirstPassDone: @escaping @Sendable () -> Bool, pools: @escaping @Sendable () -> [PoolStatus],
        poolCounts: @escaping @Sendable () -> PoolCounts,
        poolTable: @escaping @Sendable () -> [PoolName: PoolStatus]
    ) {
        self.instance = instance
        self.version = version
        self.startedAt = startedAt
        self.isFirstPassDone = isFirstPassDone
        self.pools = pools
        self.poolCounts = poolCounts
        self.poolTable = poolTable
    }

    /// The status of every user pool.
    var poolStatuses: [PoolStatus] { pools() }

    /// Changes what was reported.
    func change(_ change: (inout ReportedState) -> Void) {
        values.withLock { change(&$0) }
    }

    /// Whether the gateway is ready to be sent requests, and if not, why.
    var readiness: Readiness {
        Readiness(values.withLock { $0 }, isFirstPassDone: isFirstPassDone(), at: .now)
    }

    /// What those who listen to `/events` are told of the gateway.
    var summary: StateSummary {
        let current = values.withLock { $0 }
        let readiness = Readiness(current, isFirstPassDone: isFirstPassDone(), at: .now)
        return StateSummary(
            time: Instant.now.timestamp, instance: instance, isReady: readiness.isReady,
            reason: readiness.reason, isDraining: current.isStopping,
            directory: StateSummary.Directory(current.directory), pools: PoolTally(poolCounts()))
    }

    /// Whether the gateway is ready to be sent requests, with the status of its directory at that moment.
    var readinessAndDirectory: (Readiness, DirectoryStatus) {
        let current = values.withLock { $0 }
        return (Readiness(current, isFirstPassDone: isFirstPassDone(), at: .now), current.directory)
    }

    /// Whether the gateway was asked to stop.
    var isStopping: Bool { values.withLock { $0.isStopping } }

    /// What was reported so far.
    var reported: ReportedState { values.withLock { $0 } }

    /// The status of every pool by its name.
    var statusByPool: [PoolName: PoolStatus] { poolTable() }

    /// Keys that are not trusted, whatever their pools publish.
    var withdrawnKeys: WithdrawnKeys { values.withLock { $0.directory.withdrawnKeys } }

    /// Whether the gateway is ready and what it serves by, as `/ready` returns it.
    var readyReport: ReadyReport {
        let current = values.withLock { $0 }
        return ReadyReport(
            Readiness(current, isFirstPassDone: isFirstPassDone(), at: .now), current.directory, poolCounts(),
            at: .now)
    }

    /// Everything, as `/status` returns it, with those pools that are asked for, and what the database says of replicas.
    func report(
        _ query: StatusQuery = StatusQuery(),
        replicas: Result<[PageDatabase.Replica], PageDatabase.Unavailable>
    ) -> StatusReport {
        let current = values.withLock { $0 }
        let now = Instant.now
        let readiness = Readiness(current, isFirstPassDone: isFirstPassDone(), at: .now)
        let (shown, leftOut) = query.part(of: pools())
        return StatusReport(
            instance: instance, version: version, startedAt: startedAt.timestamp, isReady: readiness.isReady,
            reason: readiness.reason, isDraining: current.isStopping, listeners: current.listeners,
            directory: StatusReport.Directory(current.directory, now: now),
            poolCounts: PoolTally(poolCounts()),
            pools: shown.map { StatusReport.Pool($0, now: now, current.directory.withdrawnKeys) },
            poolsLeftOut: leftOut,
            replicas: (try? replicas.get())?.map(StatusReport.Replica.init),
            replicasError: replicas.failure?.reason)
    }
}

extension Result where Failure == PageDatabase.Unavailable {
    fileprivate var failure: PageDatabase.Unavailable? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
