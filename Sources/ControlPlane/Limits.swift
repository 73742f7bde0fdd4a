/// Every bound of the control plane, with its unit.
package enum Limits {
    // MARK: Fetching

    /// How many transfers are under way at once.
    static let transfersAtOnce = 64
    /// How many of those places the pools share whose last fetch failed.
    static let transfersAtOnceAfterFailure = 16
    /// How many fetches a second unknown `kid`s may cause, over all pools.
    static let unknownKeyFetchesPerSecond = 20
    /// How far apart these fetches are while more of them are wanted.
    static let unknownKeyFetchSpacing = Duration.seconds(1) / unknownKeyFetchesPerSecond
    /// How many passed tickets a queue of fetches keeps before it frees their memory.
    static let passedTicketsKept = 1_024
    /// How long one transfer may take in all.
    package static let transferTime = Duration.seconds(5)
    /// How long a transfer may take until its connection is made, name resolution and TLS included.
    static let connectTime = Duration.seconds(2)
    /// How long the transfer thread sleeps at least and at most while nothing happens.
    static let shortestTransferPause = Duration.milliseconds(1)
    static let longestTransferPause = Duration.seconds(60)
    /// The largest body of a key set.
    static let keySetBytes = 65_536
    /// The largest head of a response.
    static let responseHeadBytes = 32_768
    /// The largest body of the response to a call.
    static let callResponseBytes = 16_777_216
    /// How many idle connections are kept for reuse, over all key endpoints.
    static let idleConnections = 64
    /// After so long without a byte a response that has no end is given up.
    static let streamSilence = Duration.seconds(45)
    /// How much of libcurl's own description a failure carries.
    static let failureDetailBytes = 200

    // MARK: One pool's keys

    /// A key set is fetched again no sooner than this, whatever `max-age` says.
    static let shortestLife = Duration.seconds(300)
    /// A key set is fetched again no later than this, whatever `max-age` says.
    static let longestLife = Duration.seconds(3_600)
    /// When a key set is fetched again whose response names no `max-age`.
    static let defaultLife = Duration.seconds(900)
    /// How much later than asked for a timer of the keys may fire, so that the system can fire several together.
    static let refreshTolerance = Duration.milliseconds(50)
    /// For how long a key set is trusted after the fetch that brought it, while later fetches fail.
    static let believedSeconds: Int64 = 86_400
    /// How long to wait after a failed fetch; a request that waits can shorten the wait to the shortest pause.
    static let fetchRetry = Backoff(shortest: .seconds(1), longest: .seconds(30))
    /// After how long a person's refresh that finds a key missing asks a second time, to confirm that it is withdrawn.
    static let manualConfirmation = Duration.seconds(1)
    /// How many such fetches follow each other, where ever more keys are missing.
    static let confirmationsInARow = 3
    /// After how long a key that a set lacks is asked for again, to confirm that it is withdrawn.
    static let withdrawalConfirmation = Duration.seconds(30)
    /// How many keys stay trusted at most until their withdrawal is confirmed.
    static let missingKeysKept = 32
    /// How many fetches of one pool unknown `kid`s may cause at once.
    static let unknownKeyFetches = 3
    /// After how long they may cause one more.
    static let unknownKeyFetchInterval = Duration.seconds(10)
    /// How many unknown `kid`s one pool remembers.
    static let unknownKeysRemembered = 64
    /// Keys of one pool whose first sight is remembered: a whole set, and a few before it.
    static let sightingsOfPool = 72
    /// How many requests may wait for keys of one pool.
    static let waitersPerPool = 10_000
    /// How many refreshes by hand of one pool may wait.
    static let refreshesWaiting = 64
    /// How long a request waits for a key.
    package static let keyWait = Duration.seconds(3)

    // MARK: Signing keys

    /// How often their folder is looked at.
    static let signingKeyPause = Duration.seconds(1)
    /// Keys that are read and published: the last by the names of their files.
    package static let signingKeys = 32
    /// Files of the folder that are listed at all.
    static let signingKeyFilesListed = 4_096
    /// Names that are tried for a new file, each a millisecond later than the one before.
    static let signingKeyNames = 100
    /// One file, in bytes.
    static let signingKeyBytes = 16_384

    // MARK: The directory

    /// Reads of what changed lie at least this far apart.
    static let readPause = Duration.milliseconds(10)
    /// Reads of everything lie at least this far apart.
    static let fullReadPause = Duration.milliseconds(250)
    /// After how long what changed is read though no notification arrived.
    static let pollInterval = Duration.seconds(30)
    /// The same where notifications do not arrive.
    static let pollIntervalWithoutNotifications = Duration.seconds(1)
    /// After how long everything is read in any case.
    static let fullReadInterval = Duration.seconds(3_600)
    /// After how long the server is asked for a sign of life, and how long it has to give one.
    static let pingInterval = Duration.seconds(5)
    /// How long a gateway waits for its notification to itself.
    static let echoTime = Duration.seconds(2)
    /// After how long a table that was found empty is read again.
    static let emptinessConfirmation = Duration.seconds(1)
    /// How long a read of what changed may take.
    static let changesReadTime = Duration.seconds(10)
    /// How long a read of everything may take.
    static let fullReadTime = Duration.seconds(120)
    /// How long to wait before connecting again.
    static let reconnect = Backoff(shortest: .milliseconds(100), longest: .seconds(5))
    /// After how long a schema that is too old is looked at again.
    static let schemaCheckInterval = Duration.seconds(1)
    /// Where more rows than this changed, everything is read instead, and parsed on a thread of its own.
    static let rowsReadAsChanges = 4_096
    /// How many revocations one read of changes takes. The rest comes with the next reads, so that a flood of revocations
    /// keeps no tenant's row waiting.
    static let revocationsReadAtOnce = 8_192
    /// For how many revocations a read of everything makes room ahead (32 bytes each); for more, room is made as they
    /// come.
    static let revocationsExpected = 4_194_304
    /// How many withdrawn keys are read, all of them each time; the table's trigger keeps it at half of this.
    static let withdrawnKeys = 20_000
    /// How much is read of why a key was withdrawn.
    static let withdrawalReasonCharacters = 200
    /// A row whose columns are longer than this together is not read, but quarantined.
    static let rowBytes = 4_194_304
    /// Pings keep the server's `idle_session_timeout` from ending the connection: they come after a third of it, but no
    /// more often than this.
    static let shortestPing = Duration.milliseconds(50)
    /// Writes that no read explains cause a read of everything, the next one after this, then after twice as long each
    /// time, up to the hourly read.
    static let shortestUnexplained = Duration.seconds(5)
    /// Changes that were read explain the writes that are counted within this time, since servers count with a delay.
    static let explainedTime = Duration.seconds(20)
    /// How often two connections are compared before a pooler is taken for one that keeps a server connection for each.
    static let poolerProbes = 16
    /// How long connecting a second time, and each query by that connection, may take while a pooler is examined.
    static let poolerProbeTime = Duration.seconds(2)

    // MARK: What is kept on disk

    /// After how long without a database the saved rows are read.
    static let databaseWait = Duration.seconds(2)
    /// How long changes are gathered before they are written.
    static let saveGathering = Duration.milliseconds(250)
    /// After how long the disk is told that the rows still hold, where nothing has changed.
    static let confirmationSavePause = Duration.seconds(60)
    /// After how long a save that failed is tried again.
    static let savePause = Duration.seconds(10)
    /// A long journal is replaced at most so seldom that writing the whole content takes one part in this of the time.
    static let wholeSaveShare = 20
    /// Content that only a whole file can tell waits no longer than this after the one before: with `saveGathering` it is on
    /// disk a second after it changed, and what writing takes.
    static let longestWholePause = Duration.milliseconds(700)
    /// More changes than this are not kept until they are written: the whole content is written instead.
    static let unsavedChangeBytes = 4_194_304
    /// A journal up to this length is no reason to write the whole content; a longer one is, when it has half its length.
    static let shortJournalBytes = 1_048_576
    /// A larger file is neither read nor, of its journal, continued.
    static let stateFileBytes = 536_870_912
    /// How long key sets that were fetched again and found equal are gathered before that is written.
    static let equalKeysGathering = Duration.seconds(10)
    /// Times on disk that lie further ahead than this show that the clock was set back.
    static let clockTolerance: Int64 = 5

    // MARK: Keys withdrawn by hand

    /// How often it is looked how many gateways judge by what was written.
    static let reachPause = Duration.milliseconds(50)

    // MARK: Health

    /// After how long everything is written again.
    static let healthInterval = Duration.seconds(60)
    /// How often a gateway writes that it lives. Silent for three times that, it counts as ended, and nothing waits for it.
    static let heartbeatInterval = Duration.seconds(5)
    /// After how long of silence another gateway removes it from the database.
    static let deadAfter = Duration.seconds(600)
    /// How long changes of pools are gathered before they are written.
    static let healthPause = Duration.seconds(1)
    /// How long one write of health may take.
    static let healthWriteTime = Duration.seconds(10)
    /// How long removing a gateway that stops from the database may take.
    static let farewellTime = Duration.milliseconds(400)
    /// How many pools one statement writes.
    static let poolsPerWrite = 1_000
    /// The longest sentence in a health table.
    static let healthDetailCharacters = 500

    // MARK: Migrations

    /// How long one migration may take, waiting for another program that migrates included.
    static let migrationTime = Duration.seconds(300)
    /// How much longer to wait for the server to stop such a migration, before the connection is given up.
    static let migrationGrace = Duration.seconds(10)
}
