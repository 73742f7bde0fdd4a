package import Gatekeeper
package import JOSE
package import Postgres

/// Takes what happened; called from anywhere, must not block.
package typealias Observe = @Sendable (Observation) -> Void

/// Everything of the control plane that is worth a log line or a number, as data; the observer finds the words.
package enum Observation: Sendable {
    // Keys.

    /// A good answer of a pool's key endpoint: the keys in it, and those that could not be used.
    case keysFetched(PoolName, kids: [KeyID], skipped: [SkippedKey])
    /// A fetch brought no usable set; keys fetched earlier stay in use.
    case keysFetchFailed(PoolName, KeyFetchFailure, nextAttempt: Instant?)
    /// Keys that are no longer trusted, because their endpoint stopped naming them.
    case keysWithdrawn(PoolName, kids: [KeyID])

    // The directory.

    /// Connected to a database whose schema this program can read; the server's version as in 150004.
    case databaseConnected(serverVersion: Int)
    /// No connection, or none any more; the last good directory stays in use.
    case databaseLost(PostgresError, retryAfter: Duration)
    /// The schema lacks migrations: run `poolgate migrate`. Nil where there is no schema.
    case schemaTooOld(found: Int?, needed: Int)
    /// The schema has migrations that this program does not know; it serves.
    case schemaNewer(found: Int, known: Int)
    /// LISTEN would not stay with the session, or nothing arrives by it; changes are asked for every second.
    case listenSwallowed
    /// Rows were read, everything or what changed: how many there are now, how many of them changed.
    case directoryRead(rows: Int, changed: Int, revocations: Int, time: Duration, all: Bool)
    /// A row cannot be served; the others can.
    case tenantQuarantined(host: String, RowFlaw)
    /// Revocations that cannot be understood, and so are not enforced.
    case revocationsUnreadable(Int)
    /// The table became empty; that is believed after a second read.
    case emptinessSuspected(tenants: Int)

    // The snapshot on disk.

    /// Without a database, the rows saved earlier are served.
    case snapshotLoaded(rows: Int, savedAt: Instant)
    case snapshotUnreadable(SnapshotFile.Flaw)
    case snapshotSaved(rows: Int)
    case snapshotUnwritable(SnapshotFile.Flaw)

    // Health.

    /// The health tables could not be written; nothing else is touched by it.
    case healthUnwritable(PostgresError)
    /// The health tables can be written again.
    case healthWritten
}
