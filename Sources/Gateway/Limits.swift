/// Every bound of the program itself, with its unit.
enum Limits {
    static let configurationFileBytes = 4 * 1024 * 1024
    static let tokenOnStandardInputBytes = 64 * 1024
    /// What one read of standard input takes of a token.
    static let tokenReadBytes = 4 * 1024
    /// What `explain` remembers of the one token that it judges.
    static let explainedTokenBytes = 1024 * 1024

    // The log.

    /// Lines of the program itself that wait for the log's writer.
    static let waitingLines = 4096
    /// How long the writer sleeps between looks at the loops' records.
    static let recordPause = Duration.milliseconds(50)
    /// Refusals of one tenant and reason that are written one by one in a second.
    static let refusalsWrittenPerSecond = 10
    /// Pairs of tenant and reason that are counted one by one in a second; the rest share one count.
    static let throttledPairs = 4096
    /// The same failure of the same thing is told again after this.
    static let repetitionSeconds: Int64 = 600
    /// Things whose failures are remembered: pools, and a few parts of the gateway.
    static let repetitionsRemembered = 20_000
    /// How long stopping waits for a log that nobody reads.
    static let lastLinesTime = Duration.milliseconds(300)

    // The admin port.

    static let adminHeadBytes = 16 * 1024
    static let adminHeaders = 64
    static let adminIdle = Duration.seconds(30)
    /// Connections to the admin port; for one more the oldest is closed.
    static let adminConnections = 256
    /// A request to the admin port, from its head to the last byte of its answer.
    static let adminExchange = Duration.seconds(30)

    // Start.

    /// The proxy opens without a directory after this.
    static let directoryWait = Duration.seconds(5)
    /// How often it is looked whether the gateway has become ready.
    static let readinessPause = Duration.milliseconds(20)
    /// Readiness waits for the first pass over the key endpoints no longer than this.
    static let firstPassWait = Duration.seconds(5)

    // Stop.

    /// How long stopping waits for a part that should end at once.
    static let partStop = Duration.milliseconds(600)

    // The embedded Postgres.

    static let postgresStartSeconds = 60
    /// Attempts to start it, and the pause between two.
    static let postgresLaunches = 3
    static let postgresLaunchPause = Duration.milliseconds(500)
    /// How long stopping waits for it; it goes on ending by itself.
    static let postgresStop = Duration.milliseconds(400)
    /// How often its postmaster is looked at.
    static let postmasterPause = Duration.seconds(1)
    /// The longest pause before it is started again.
    static let longestPostgresRestart = Duration.seconds(30)
    /// A socket's path has at most 107 bytes, of which its file's name takes some.
    static let socketFolderBytes = 90
    static let toolOutputBytes = 64 * 1024

    // Commands.

    /// A call of a command to the admin port.
    static let adminCall = Duration.seconds(10)
    /// Key endpoints asked at once by `check`.
    static let checksAtOnce = 64
}
