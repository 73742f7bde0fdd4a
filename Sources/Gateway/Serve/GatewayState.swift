import ControlPlane
import Gatekeeper
import Synchronization

/// How the gateway stands, for its admin port: what the parts report, kept in one place.
///
/// A class, because parts write it and the admin port reads it; each step under its lock is short.
final class GatewayState: Sendable {
    let instance: String
    let version: String
    let startedAt: Instant
    private let isFirstPassDone: @Sendable () -> Bool
    private let pools: @Sendable () -> [PoolStatus]
    private let values = Mutex(Values())

    /// What the parts of the gateway have reported.
    struct Values: Sendable {
        var directory = DirectoryStatus()
        /// When the first directory was loaded.
        var loadedAt: ContinuousClock.Instant?
        /// Names and bound addresses, in the order of binding.
        var listeners: [StatusReport.Listener] = []
        var isProxyOpen = false
        var isStopping = false
    }

    init(
        instance: String, version: String, startedAt: Instant,
        isFirstPassDone: @escaping @Sendable () -> Bool, pools: @escaping @Sendable () -> [PoolStatus]
    ) {
        self.instance = instance
        self.version = version
        self.startedAt = startedAt
        self.isFirstPassDone = isFirstPassDone
        self.pools = pools
    }

    func change(_ change: (inout Values) -> Void) {
        values.withLock { change(&$0) }
    }

    /// Whether the gateway is ready to be sent requests, and if not, why.
    var readiness: Readiness {
        Readiness(values.withLock { $0 }, isFirstPassDone: isFirstPassDone(), at: .now)
    }

    /// Everything, as `/status` shows it.
    var report: StatusReport {
        let current = values.withLock { $0 }
        let now = Instant.now
        return StatusReport(
            instance: instance, version: version, startedAt: startedAt.timestamp,
            readiness: Readiness(current, isFirstPassDone: isFirstPassDone(), at: .now),
            listeners: current.listeners, directory: StatusReport.Directory(current.directory, now: now),
            pools: pools().map { StatusReport.Pool($0, now: now) })
    }
}

/// Whether the gateway is ready to be sent requests (CONTRACT.md, "Start"); it never depends on one tenant.
enum Readiness: Sendable, Equatable {
    case ready
    /// Why not: a sentence without its full stop.
    case unready(String)

    init(_ values: GatewayState.Values, isFirstPassDone: Bool, at now: ContinuousClock.Instant) {
        if values.isStopping {
            self = .unready("the gateway is stopping")
        } else if case .schemaTooOld(let found, let needed) = values.directory.link {
            let state =
                found.map { "has schema version \($0), \(needed) is needed" } ?? "has no schema 'poolgate'"
            self = .unready("the database \(state): run 'poolgate migrate'")
        } else if let loadedAt = values.loadedAt {
            if !values.isProxyOpen {
                self = .unready("the proxy listener is not open yet")
            } else if isFirstPassDone || now - loadedAt >= Limits.firstPassWait {
                self = .ready
            } else {
                self = .unready("the first pass over the key endpoints is not done yet")
            }
        } else if case .lost(let error) = values.directory.link {
            self = .unready("no tenant directory could be loaded: \(error)")
        } else {
            self = .unready("no tenant directory is loaded yet")
        }
    }

    var isReady: Bool { self == .ready }
}
