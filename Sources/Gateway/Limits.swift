/// Every bound of the program itself, with its unit.
enum Limits {
    // Reading.

    /// The largest configuration file.
    static let configurationFileBytes = 4 * 1024 * 1024
    /// How much of a file is read at once.
    static let fileBytesReadAtOnce = 64 * 1024
    /// The longest time that a setting may have: a hundred years.
    static let longestSettingMilliseconds = 3_155_760_000_000
    /// How much of a text that an operator wrote a message shows.
    static let shownCharacters = 200
    /// How much of a misspelt name is compared with those that exist.
    static let comparedBytes = 64
    /// The largest token on standard input.
    static let tokenOnStandardInputBytes = 64 * 1024
    /// What assertions name as their issuer.
    static let assertionIssuerBytes = 256
    /// What one read of standard input takes of a token.
    static let tokenReadBytes = 4 * 1024
    /// What `explain` remembers of the one token that it judges.
    static let explainedTokenBytes = 1024 * 1024

    /// How long `pools --withdraw` waits until every gateway judges by it.
    static let withdrawalReach = Duration.seconds(15)

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

    /// How long the writer waits for a full descriptor before it looks again.
    static let writePauseMilliseconds: Int32 = 1_000

    // Traces.

    /// How often waiting spans are exported; after a failure it is twice as long for each, up to so many doublings.
    static let exportPause = Duration.seconds(1)
    static let exportDoublings = 5
    /// How long one export may take.
    static let exportTime = Duration.seconds(10)
    /// Requests whose spans are in one export, and those that wait while the collector takes none.
    static let tracesPerExport = 256
    static let waitingTraces = 4_096
    /// Header fields that the operator may give each export.
    static let exportHeaders = 16

    // The admin port.

    /// The largest head of a request, and the largest header field in it.
    static let adminHeadBytes = 16 * 1024
    /// How many header fields a request may have.
    static let adminHeaders = 64
    /// How long a connection may be idle.
    static let adminIdle = Duration.seconds(30)
    /// Connections to the admin port; for one more the oldest is closed.
    static let adminConnections = 256
    /// Requests on one connection to the admin port that have no complete response yet; for one more it is closed.
    static let adminRequestsAhead = 8
    /// Sessions of people who signed in from a browser; for one more the oldest ends.
    static let adminSessions = 64
    /// How long such a session lasts: a working day.
    static let adminSession = Duration.seconds(12 * 3_600)
    /// The shortest admin token, and secret of those who ask, where other machines can reach the port.
    static let shortestSecret = 16
    /// Wrong tokens that one address may give at once, and after how long it may give one more.
    static let wrongTokens = 10
    static let wrongTokenPause = Duration.seconds(6)
    /// Addresses whose wrong tokens are remembered.
    static let wrongTokenSources = 1_024
    /// Lines about wrong tokens that the log gets in such a time; the next line says how many had none.
    static let wrongTokenLines = 30
    static let wrongTokenLineTime = Duration.seconds(60)
    /// Cookies of a request that are looked at.
    static let sessionCookies = 4
    /// The largest form that is sent to the admin port: a token, and the headers of a described request.
    static let formBytes = 160 * 1024
    /// How many fields of an address or a form are read.
    static let formFields = 32
    /// A request to the admin port, from its head to the last byte of its response.
    static let adminExchange = Duration.seconds(30)

    /// Pools that `/status` tells of where nobody asks for another number, and at most; one has some 700 bytes.
    static let poolsPerStatus = 1_000
    static let mostPoolsPerStatus = 10_000
    /// Rows that cannot be served and that `/status` tells of.
    static let quarantinedPerStatus = 100
    /// The longest name of a pool that a query may have: a region, a stroke and an id.
    static let poolNameBytes = 128

    // What happens, told to those who listen.

    /// Refusals that are remembered, over all tenants; with a client's longest path some 1.5 KB each.
    static let refusalsKept = 4_096
    /// Refusals that are remembered of one tenant.
    static let refusalsKeptPerTenant = 64
    /// Listeners to `/events` at once.
    static let eventListeners = 16
    /// Events that wait for one listener; for one more the oldest goes.
    static let eventsWaiting = 512
    /// After so long without an event a listener gets a comment, so that a dead one is found out.
    static let eventHeartbeat = Duration.seconds(15)
    /// How often it is looked whether listeners are to be told of a change of the gateway's state.
    static let statePause = Duration.milliseconds(500)
    /// The longest host that a listener may name: a row's has at most 253 bytes.
    static let eventTenantBytes = 253
    /// Data that was sent and is not acknowledged ends a connection to the admin port after this.
    static let adminUnacknowledgedMilliseconds = 30_000

    /// The longest line of an event that a listener reads: a refusal's texts, each byte written as an escape.
    static let eventLineBytes = 65_536
    /// After how long `tail` asks again once a stream has ended.
    static let tailPause = Duration.seconds(1)

    // Metrics.

    /// How long a scrape waits for a loop to say what it counted.
    static let counterWait = Duration.seconds(1)
    /// How often a reading is kept for the charts of the last hour, and how many are.
    static let historyPause = Duration.seconds(60)
    static let historyMinutes = 60
    /// For how long a text of metrics makes room at first.
    static let metricsTextBytes = 64 * 1024
    /// Upstreams, and certificates, that have a series of their own.
    static let namedUpstreams = 50
    static let namedCertificates = 50
    /// The largest file of /proc that is read.
    static let procFileBytes = 4 * 1024

    // The status page.

    /// Tenants or pools on one page of a list.
    static let linesOfPage = 25
    /// How much of what is searched for is looked at: as long as a host may be.
    static let searchedCharacters = 253
    /// How many tenants a search looks at before it gives way to others: about a millisecond.
    static let searchedAtOnce = 4_096
    /// Searches and explanations that run at once, and that wait.
    static let searchesAtOnce = 2
    static let searchesWaiting = 32
    /// When somebody who found too many others searching may try again.
    static let busySeconds = 1
    /// What the page asks of the database: how long, how many questions wait, and how long an answer holds.
    static let pageDatabaseTime = Duration.seconds(2)
    static let databaseLine = 8
    static let pageDatabaseCache = Duration.seconds(3)
    /// Codes of refusals that have a chart of their own, and upstreams that have a row.
    static let codesShown = 7
    static let upstreamsShown = 25
    /// Gateways, refusals, and changes of one tenant, that are shown.
    static let refusalsShown = 15
    static let replicasShown = 100
    static let changesShown = 30

    // Start.

    /// The proxy opens without a directory after this.
    static let directoryWait = Duration.seconds(5)
    /// How often it is looked whether the gateway has become ready.
    static let readinessPause = Duration.milliseconds(20)
    /// Readiness waits for the first pass over the key endpoints no longer than this.
    static let firstPassWait = Duration.seconds(5)

    /// Client connections that are allowed at least where no setting says how many.
    static let fewestConnections = 64
    /// File descriptors that the process may open where the system does not say how many.
    static let descriptorsAssumed = 1_024
    /// File descriptors that are kept for the database, key fetches and files; half of the others is for clients.
    static let descriptorsKept = 128

    // The supervisor.

    /// How often its status line is made anew once the gateway is ready.
    static let reportPause = Duration.seconds(1)
    /// By how much an unready gateway extends the time that it has to start, and how often.
    static let startExtension = Duration.seconds(30)
    static let startExtensionPause = Duration.seconds(10)
    /// What stopping may take beyond its delay and its drain.
    static let stopMargin = Duration.seconds(10)
    /// Attempts to send a report for which the supervisor has no room, and the pause between two.
    static let reportAttempts = 10
    static let reportAttemptPause = Duration.milliseconds(100)
    /// The longest status line.
    static let reportStatusCharacters = 500
    /// The longest watchdog time that is believed: a year.
    static let longestWatchdogMicroseconds = 31_536_000_000_000

    // Stop.

    /// How long stopping waits for a part that should end at once.
    static let partStop = Duration.milliseconds(600)

    // The embedded Postgres.

    /// How long it may take to accept connections.
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
    /// The highest number that is taken for a major version.
    static let postgresMajorVersion = 1_000
    /// How much of what Postgres' programs print is kept.
    static let toolOutputBytes = 64 * 1024

    /// The pauses between looks: whether the lock is free, whether it accepts connections, whether it has stopped.
    static let postgresLockPause = Duration.milliseconds(50)
    static let postgresAnswerPause = Duration.milliseconds(100)
    static let postgresStopPause = Duration.milliseconds(10)
    /// How long one attempt to connect to it may take.
    static let postgresAnswer = Duration.seconds(5)
    /// The largest `PG_VERSION`, `postmaster.pid` and note of a gateway beside the data.
    static let versionFileBytes = 64
    static let postmasterFileBytes = 4 * 1024
    static let markerFileBytes = 256
    /// How much of the end of its log is searched for an error.
    static let logTailBytes = 4 * 1024

    // Commands.

    /// How long a command's call to the admin port may take: a refresh may make two fetches of 5 s.
    static let adminCall = Duration.seconds(20)
    /// Key endpoints asked, or upstreams tried, at once by `check`.
    static let checksAtOnce = 64
    /// How long `check` waits for a gateway that may listen on this machine.
    static let liveCall = Duration.seconds(2)
    /// Names that a finding of `check` lists.
    static let namesShown = 10
    /// Good findings of one kind that `check` lists; where there are more, it says how many.
    static let goodFindingsListed = 20
    /// A clock that is off by more is told.
    static let clockSeconds: Int64 = 5
    /// A certificate that expires within so many days should have been renewed, and must be renewed now.
    static let certificateDaysToRenew: Int64 = 30
    static let certificateDaysLate: Int64 = 14

    // What commands print.

    /// The columns of a terminal that does not know its size.
    static let assumedColumns = 80
    /// A table's column becomes no narrower than this, in columns of the terminal.
    static let narrowestColumn = 8
    /// A progress bar without its words, in columns; where it would be shorter there is none.
    static let shortestProgressBar = 10
    static let longestProgressBar = 40
    /// The width of the example of the settings' file.
    static let exampleColumns = 100
    /// How often a progress bar is drawn anew.
    static let progressPause = Duration.milliseconds(100)

    // Rows that commands read and write.

    /// How long one statement of a command may take.
    static let commandStatement = Duration.seconds(60)
    /// How long a command's transaction may be idle, such as while somebody reads what it prints, before the server ends it.
    static let commandIdle = Duration.seconds(600)
    /// How long `--wait` waits where it says no time, and at most.
    static let usualWaitMilliseconds: Int64 = 10_000
    static let longestWait = Duration.seconds(600)
    /// How often it is asked whether gateways have read a revocation.
    static let livenessPauseMilliseconds: Int64 = 50
    /// Remarks of the database that a command prints.
    static let noticesPrinted = 20
    /// Tenants that are read at once, so that never all of them are in memory.
    static let tenantsReadAtOnce = 1_000
    /// Tenants in a table, unless all are asked for.
    static let tenantsListed = 200
    /// Revocations in a table, and as JSON.
    static let revocationsListed = 200
    static let revocationsAsJSON = 100_000

    // Import.

    /// The largest record of a CSV file, and the most fields in it.
    static let csvRecordBytes = 4 * 1024 * 1024
    static let csvFields = 256
    /// The most that is copied of a file that cannot be rewound.
    static let importBytes = 4 * 1024 * 1024 * 1024
    /// The most tenants in one file: their hosts are kept in memory, so that none stands there twice.
    static let importRows = 1_000_000
    /// Tenants that one statement writes, and bytes of them beyond which there are no more.
    static let importRowsAtOnce = 500
    static let importBytesAtOnce = 1024 * 1024
    /// Bad lines of a file that are told.
    static let badLinesTold = 100
    /// Changes of a trial that are shown.
    static let importChangesShown = 50
}
