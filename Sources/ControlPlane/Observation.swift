package import Gatekeeper
package import JOSE
package import Postgres

/// Takes an observation. Called from any thread; must not block.
package typealias Observe = @Sendable (Observation) -> Void

/// Everything that happens in the control plane and is worth a line of the log or a metric, as data. The program's observer
/// makes words of it.
package enum Observation: Sendable {
    // Keys.

    /// A pool's key endpoint gave a usable key set: its keys, and those in it that could not be used.
    case keysFetched(PoolName, kids: [KeyID], skipped: [SkippedKey])
    /// A fetch brought no usable key set. Keys that were fetched earlier stay in use.
    /// `endpoint` is the URL that was asked, as it may be shown.
    case keysFetchFailed(PoolName, KeyFetchFailure, endpoint: String?, nextAttempt: Instant?)
    /// These keys are not trusted any more, because the pool's key endpoint does not give them any more.
    case keysWithdrawn(PoolName, kids: [KeyID])

    /// Keys of this pool were withdrawn by SQL, or lifted: these are not trusted now, by how their names are printed.
    case withdrawalsChanged(PoolName, [String: WithdrawnKeys.Withdrawal])

    // The keys that sign assertions.

    /// These keys are published from now on, by their `kid`s, and one of them signs; nil where there is none, and then
    /// requests go on without an assertion.
    case signingKeys(folder: String, signing: String?, published: [String])
    /// This file gives no key. The one that it gave before, where it did, stays in use.
    case signingKeyRefused(file: String, SigningKeyFlaw)
    /// The folder cannot be read. The keys that were read before stay in use.
    case signingKeysLost(folder: String, SigningKeyFlaw)

    // The directory.

    /// Connected to a database whose schema this program can read. The server's version is a number such as 150004.
    case databaseConnected(serverVersion: Int)
    /// No connection could be made, or it broke. The last good directory stays in use.
    case databaseLost(PostgresError, retryAfter: Duration)
    /// The schema lacks migrations, so that nothing is read. `found` is nil without a schema.
    case schemaTooOld(found: Int?, needed: Int)
    /// The schema has migrations that this program does not know. It serves all the same.
    case schemaNewer(found: Int, known: Int)
    /// Notifications do not arrive, or would not, because of a pooler in between. Changes are asked for every second.
    case listenSwallowed
    /// The directory was read, all of it or what changed. It has so many rows and revocations now; `changed` is how many
    /// rows came, changed or went.
    case directoryRead(rows: Int, changed: Int, revocations: Int, time: Duration, all: Bool)
    /// What the database notified was published to the loops, so long after the notification arrived.
    case changesPublished(after: Duration)
    /// This row cannot be served; others can.
    case tenantQuarantined(host: String, RowFlaw)
    /// So many revocations cannot be understood, and are not enforced.
    case revocationsUnreadable(Int)
    /// The table was found empty while `tenants` are served. That is believed after a second read.
    case emptinessSuspected(tenants: Int)

    // What is kept on disk.

    /// Without a database, the rows that were saved earlier are served: whole ones and so many changes after them. With
    /// `isCut`, the end of the changes could not be read.
    case savedRowsLoaded(rows: Int, changes: Int, savedAt: Instant, isCut: Bool)
    /// There is no database, and the saved rows cannot be read.
    case savedRowsUnreadable(StateFileFlaw)
    /// So many rows were saved, which took so long.
    case rowsSaved(rows: Int, time: Duration)
    /// The rows could not be saved. That is tried again.
    case savedRowsUnwritable(StateFileFlaw)
    /// The key sets of so many pools were read from disk; they are trusted for what is left of their 24 hours, and
    /// fetched anew. `fetchedAt` is that of the newest.
    case savedKeysLoaded(pools: Int, fetchedAt: Instant?, isCut: Bool)
    /// The saved key sets cannot be read.
    case savedKeysUnreadable(StateFileFlaw)
    /// The key sets of so many pools were saved.
    case keysSaved(pools: Int)
    /// The key sets could not be saved. That is tried again.
    case savedKeysUnwritable(StateFileFlaw)

    // Health.

    /// The health tables could not be written, which affects nothing else.
    case healthUnwritable(PostgresError)
    /// The health tables can be written again.
    case healthWritten
}
