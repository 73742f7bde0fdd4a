import ControlPlane

/// What the parts of the gateway have reported about themselves.
struct ReportedState: Sendable {
    /// The latest status of the tenant directory.
    var directory = DirectoryStatus()
    /// When the first directory was loaded.
    var loadedAt: ContinuousClock.Instant?
    /// The listeners that are open, in the order of their opening.
    var listeners: [BoundListener] = []
    /// Whether the proxy accepts connections.
    var isProxyOpen = false
    /// Whether the gateway was asked to stop.
    var isStopping = false
}

/// A listener that is open.
struct BoundListener: Codable, Sendable, Equatable {
    /// `admin`, `proxy` or `tls`.
    let listener: String
    /// Where it is bound, as `host:port`.
    let address: String
}
