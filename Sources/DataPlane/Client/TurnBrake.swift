import Gatekeeper

/// Which requests of an HTTP/2 connection wait for their turn in the loop, since others before them were refused.
///
/// A client's connection is its own: once a request of it is refused, all that come with it and behind it wait. One of a
/// trusted caller carries many tenants' questions: what one tenant is refused makes that tenant's questions wait, and no
/// other's.
///
/// Bounded by the streams of a connection, each of which is in here once.
struct TurnBrake {
    private let isByTenant: Bool
    private var hasRefused = false
    private var heldBackStreams = 0
    private var refusedTenants: Set<HostPattern?> = []
    private var heldBackOfTenants: [HostPattern?: Int] = [:]

    init(isByTenant: Bool) {
        self.isByTenant = isByTenant
    }

    /// Something new is read: what was refused before it counts no longer.
    mutating func readBegan() {
        hasRefused = false
        if isByTenant { refusedTenants.removeAll(keepingCapacity: true) }
    }

    /// A request of `tenant` was refused for what it is.
    mutating func refused(_ tenant: HostPattern?) {
        hasRefused = true
        if isByTenant { refusedTenants.insert(tenant) }
    }

    /// Streams that wait for a turn of `tenant`, or do no longer.
    mutating func heldBack(_ change: Int, of tenant: HostPattern?) {
        heldBackStreams += change
        guard isByTenant else { return }
        let count = heldBackOfTenants[tenant, default: 0] + change
        heldBackOfTenants[tenant] = count > 0 ? count : nil
    }

    /// Whether a request must wait, whose tenant is asked for where that matters.
    func holds(_ tenant: () -> HostPattern?) -> Bool {
        guard hasRefused || heldBackStreams > 0 else { return false }
        guard isByTenant else { return true }
        let tenant = tenant()
        return refusedTenants.contains(tenant) || heldBackOfTenants[tenant] != nil
    }
}
