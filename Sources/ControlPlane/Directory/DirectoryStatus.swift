package import Gatekeeper
package import Postgres

/// What is known of the tenant directory in use and of the database behind it, for people, for readiness and for the health
/// table.
package struct DirectoryStatus: Sendable {
    /// The state of the connection to the database.
    package enum Link: Sendable, Equatable {
        /// No connection has been made yet.
        case connecting
        /// Connected, but the schema is older than this program needs: nothing is read. `found` is nil without a schema.
        case schemaTooOld(found: Int?, needed: Int)
        /// Connected, and the directory is kept up to date.
        case connected
        /// The connection failed or broke, and is tried again; the last good directory stays in use.
        case lost(PostgresError)
    }

    /// Where the directory in use came from.
    package enum Source: Sendable, Equatable {
        /// The database.
        case database
        /// The rows saved on disk, as they were at this time.
        case disk(savedAt: Instant)
    }

    /// Nothing is known yet.
    package init() {}

    /// The state of the connection to the database.
    package internal(set) var link = Link.connecting
    /// Where the directory in use came from; nil until the first one is loaded.
    package internal(set) var source: Source?
    /// How many rows it has, those that cannot be served included.
    package internal(set) var tenants = 0
    /// The rows that cannot be served, by host, and what is wrong with them.
    package internal(set) var quarantined: [String: RowFlaw] = [:]
    /// Keys that are not trusted, whatever their pools publish.
    package internal(set) var withdrawnKeys = WithdrawnKeys()
    /// How many user pools its active tenants name.
    package internal(set) var pools = 0
    /// The `pg_snapshot` of the latest read: the directory holds what is visible in it. Nil where it came from disk.
    package internal(set) var visibility: String?
    /// The `pg_snapshot` of the latest read of every row, which also finds rows that no trigger stamped. Nil where the
    /// directory came from disk.
    package internal(set) var fullVisibility: String?
    /// Marks of the server and tables that it was read from, equal while these are the same; nil where it came from disk.
    package internal(set) var place: String?
    /// Grows with every read that brought anything.
    package internal(set) var revision: UInt64 = 0
    /// When the directory was last known to be what the database holds.
    package internal(set) var confirmedAt: Instant?
    /// Up to when the copy on disk says what the database held: a gateway that starts without a database would serve the
    /// directory as it was then. Nil where there is no copy, or where that is not known yet.
    package internal(set) var savedAt: Instant?
    /// Why the copy on disk could not be written; nil where it could.
    package internal(set) var saveFlaw: StateFileFlaw?
    /// Whether the database's notifications of changes arrive; nil while that is not known. Without them, changes are
    /// asked for every second.
    package internal(set) var isListening: Bool?
}
