import ControlPlane
import Postgres

/// Whether the gateway is ready to be sent requests: it has a directory, its proxy is open, and the key endpoints were asked
/// once. That never depends on one tenant alone, so that no tenant can take the gateway out of service.
enum Readiness: Sendable, Equatable {
    case ready
    /// Why not: a sentence without its full stop.
    case unready(String)

    init(_ values: ReportedState, isFirstPassDone: Bool, at now: ContinuousClock.Instant) {
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

    /// Why it is not ready; nil where it is.
    var reason: String? {
        switch self {
        case .ready: nil
        case .unready(let reason): reason
        }
    }
}
