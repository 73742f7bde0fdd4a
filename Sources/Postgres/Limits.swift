/// Every bound of this module, with its unit.
package enum Limits {
    /// What a query gets unless its caller says otherwise.
    package static let queryDeadline: Duration = .seconds(10)
    /// What one host gets to be connected to, unless the URL says otherwise (`connect_timeout`).
    package static let hostConnectSeconds = 5
    /// What all hosts of a URL get together.
    package static let connectDeadline: Duration = .seconds(20)
    /// Hosts that one URL may name.
    package static let hosts = 16
    /// Notifications kept for a listener that does not keep up; older ones are dropped. Each has at most 8,000 bytes, and
    /// libpq holds none longer than it takes to read what has arrived.
    package static let notificationsKept = 256
    /// Notices kept of one script; later ones are dropped.
    package static let noticesKept = 200
    /// Commands that may wait for one connection.
    package static let commandsWaiting = 1_000
    /// Parameters of one query (a 16-bit count in the protocol).
    package static let parameters = 65_535
    /// What an error's description holds of a message of libpq or of the server.
    package static let messageBytes = 1_000
    /// Unacknowledged bytes and keepalive probes are given up after this long.
    static let tcpUserTimeoutMilliseconds = 10_000
    /// A silent connection is probed after this long, then at the interval, so many times.
    static let keepaliveIdleSeconds = 10
    static let keepaliveIntervalSeconds = 3
    static let keepaliveProbes = 3
}
