import ControlPlane
import Gatekeeper

/// How a tenant or a pool is on this gateway, in the words of `poolgate.tenant_status`.
enum ServedState: String, Sendable, CaseIterable {
    case ready, waiting, failing, suspended, quarantined

    /// How a pool is.
    init(_ state: PoolStatus.State) {
        switch state {
        case .ready: self = .ready
        case .waiting: self = .waiting
        case .failing: self = .failing
        }
    }

    /// How much it asks for somebody's attention: of two pools the worse says how their tenant is.
    var severity: Int {
        switch self {
        case .suspended: 0
        case .ready: 1
        case .waiting: 2
        case .failing: 3
        case .quarantined: 4
        }
    }

    /// How it is drawn.
    var tone: Tone {
        switch self {
        case .ready: .good
        case .waiting: .waiting
        case .failing, .quarantined: .bad
        case .suspended: .idle
        }
    }
}

/// The looks of a state. A word always stands beside the colour.
enum Tone: Sendable {
    case good, waiting, bad, idle
}
