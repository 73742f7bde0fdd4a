/// Every bound of the Postgres client, with its unit.
package enum Limits {
    /// How long a statement may take, unless its caller says otherwise.
    package static let queryDeadline: Duration = .seconds(10)
    /// How long connecting to one host may take, unless the URL says otherwise (`connect_timeout`).
    package static let hostConnectSeconds = 5
    /// How long connecting to all hosts of a URL may take together.
    package static let connectDeadline: Duration = .seconds(20)
    /// How many hosts one URL may name.
    package static let hosts = 16
    /// How many notifications are kept for a reader that does not keep up; older ones are dropped. Each has at most 8,000
    /// bytes, and libpq keeps none beyond a read.
    package static let notificationsKept = 256
    /// How many notices of one script are kept; later ones are dropped.
    package static let noticesKept = 200
    /// How many commands may wait for one connection.
    package static let commandsWaiting = 1_000
    /// How many parameters one statement may have: the protocol counts them in 16 bits.
    package static let parameters = 65_535
    /// How much an error's description holds of a message of libpq or of the server.
    package static let messageBytes = 1_000
    /// How long sent bytes may stay unacknowledged before the connection is given up.
    static let tcpUserTimeoutMilliseconds = 10_000
    /// After how long a silent connection is probed.
    static let keepaliveIdleSeconds = 10
    /// How far apart the probes are.
    static let keepaliveIntervalSeconds = 3
    /// After how many probes without an acknowledgement the connection is given up.
    static let keepaliveProbes = 3
    /// How long a thread waits at most before it looks at the clock again.
    static let longestWait = Duration.seconds(3_600)
    /// How many of the bytes that woke a thread are read at once.
    static let wakeBytesReadAtOnce = 256
    /// How much earlier than at the caller's deadline the server is told to stop: a tenth of the time and at least this, but
    /// no more than half of the time.
    static let shortestServerMarginMilliseconds: Int64 = 250
}
