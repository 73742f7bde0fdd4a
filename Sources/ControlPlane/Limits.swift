/// Every bound of this module, with its unit.
package enum Limits {
    // Fetching.

    /// Transfers under way at once.
    static let transfersAtOnce = 64
    /// What pools whose last fetch failed share of them.
    static let transfersAtOnceAfterFailure = 16
    /// Fetches caused by unknown `kid`s, over all pools.
    static let unknownKeyFetchesPerSecond = 20
    /// One transfer in all.
    static let transferTime = Duration.seconds(5)
    /// One transfer until its connection stands, name resolution and TLS included.
    static let connectTime = Duration.seconds(2)
    /// The body of a key set.
    static let keySetBytes = 65_536
    /// The head of any answer.
    static let answerHeadBytes = 32_768
    /// The body of an answer to a general call.
    static let callAnswerBytes = 16_777_216
    /// Connections kept for reuse, over all key endpoints.
    static let idleConnections = 64
    /// Bytes of a library's own words that a failure carries.
    static let failureDetailBytes = 200

    // One pool's keys.

    /// A set is refreshed no sooner than this, whatever `max-age` says.
    static let shortestLife = Duration.seconds(300)
    /// A set is refreshed no later than this, whatever `max-age` says.
    static let longestLife = Duration.seconds(3_600)
    /// The life of a set whose answer names no `max-age`.
    static let defaultLife = Duration.seconds(900)
    /// A set is believed this long after the fetch that brought it.
    static let believedSeconds: Int64 = 86_400
    /// The longest pause after failures, before jitter.
    static let longestRetry = Duration.seconds(30)
    /// The pause after the first failure, and the shortest pause that a waiting request can cause.
    static let shortestRetry = Duration.seconds(1)
    /// A key that a good answer lacks is asked for again after this.
    static let withdrawalConfirmation = Duration.seconds(30)
    /// Keys that stay published although the latest answer lacks them.
    static let missingKeysKept = 32
    /// Fetches that unknown `kid`s may cause at once.
    static let unknownKeyFetches = 3
    /// One more of them is regained every so often.
    static let unknownKeyFetchInterval = Duration.seconds(10)
    /// Unknown `kid`s that one pool remembers.
    static let unknownKeysRemembered = 64
    /// Requests of one pool that may wait at once.
    static let waitersPerPool = 10_000
    /// Refreshes by hand of one pool that may wait at once.
    static let refreshesWaiting = 64
    /// How long a request waits for a key.
    package static let keyWait = Duration.seconds(3)

    // The directory.

    /// Reads of what changed lie at least this far apart.
    static let readPause = Duration.milliseconds(10)
    /// Reads of everything that were not due lie at least this far apart.
    static let fullReadPause = Duration.milliseconds(250)
    /// What changed is read so often though nothing is announced.
    static let pollInterval = Duration.seconds(30)
    /// The same where announcements do not arrive.
    static let deafPollInterval = Duration.seconds(1)
    /// Everything is read so often.
    static let fullReadInterval = Duration.seconds(3_600)
    /// The server is asked for a sign of life so often, and has as long to answer.
    static let pingInterval = Duration.seconds(5)
    /// A gateway that announces something to itself hears it within this.
    static let echoTime = Duration.seconds(2)
    /// A table that became empty is read again after this.
    static let emptinessConfirmation = Duration.seconds(1)
    /// Reading what changed.
    static let changesReadTime = Duration.seconds(10)
    /// Reading everything.
    static let fullReadTime = Duration.seconds(120)
    /// The first pause before another connection, doubled each time.
    static let shortestReconnect = Duration.milliseconds(100)
    /// The longest such pause.
    static let longestReconnect = Duration.seconds(5)
    /// A schema that is too old is looked at again after this.
    static let schemaCheckInterval = Duration.seconds(1)
    /// More changed rows than this are read again with everything, and parsed on a thread of their own.
    static let rowsReadAsChanges = 4_096
    /// Revocations of one read of what changed; what is left comes with the next, so that a flood of them keeps no
    /// tenant's row waiting.
    static let revocationsReadAtOnce = 8_192
    /// Room made ahead for a read of every revocation (32 bytes each); more of them are taken as they come.
    static let revocationsExpected = 4_194_304
    /// A row that is larger as text is not read, but quarantined.
    static let rowBytes = 4_194_304
    /// The server's `idle_session_timeout` is kept from passing by a sign of life at a third of it, but none more often.
    static let shortestPing = Duration.milliseconds(50)
    /// Writes that no read found are asked for with everything, again and again at twice this, up to the hourly read.
    static let shortestUnexplained = Duration.seconds(5)
    /// Writes within this of a change that was read are explained by it: servers count late.
    static let explainedTime = Duration.seconds(20)
    /// A pooler is asked so often whether it gives a session's server to others, before it is taken for one that does not.
    static let poolerProbes = 16
    /// Connecting and asking over a second connection through a pooler.
    static let poolerProbeTime = Duration.seconds(2)

    // The snapshot on disk.

    /// Without a database the last good rows are read from disk after this.
    static let databaseWait = Duration.seconds(2)
    /// Saves lie at least this far apart.
    static let savePause = Duration.seconds(10)
    /// Whether anything is unsaved is looked at so often.
    static let saveCheckInterval = Duration.seconds(1)
    /// A larger file is not read.
    static let snapshotFileBytes = 536_870_912

    // Health.

    /// Everything is written so often.
    static let healthInterval = Duration.seconds(60)
    /// Changes of pools are gathered for so long before they are written.
    static let healthPause = Duration.seconds(1)
    /// One write of health.
    static let healthWriteTime = Duration.seconds(10)
    /// Taking a gateway off the list as it stops.
    static let farewellTime = Duration.milliseconds(400)
    /// Pools written by one statement.
    static let poolsPerWrite = 1_000
    /// A sentence in a health table.
    static let healthDetailCharacters = 500

    // Migrations.

    /// Applying one migration file, waiting for another that applies it included.
    static let migrationTime = Duration.seconds(300)
    /// What a migration that the server should have stopped gets besides, before its connection is given up.
    static let migrationGrace = Duration.seconds(10)
}
