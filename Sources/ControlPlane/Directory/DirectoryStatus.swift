package import Gatekeeper
package import Postgres

/// How the directory stands, for people, readiness and the health table.
package struct DirectoryStatus: Sendable {
    /// What the connection to the database is doing.
    package enum Link: Sendable, Equatable {
        case connecting
        /// Connected; the schema is older than this program needs. Nil where there is none at all.
        case schemaTooOld(found: Int?, needed: Int)
        case connected
        /// Waiting to connect again; the last good directory stays in use.
        case lost(PostgresError)
    }

    /// Where the directory in use came from.
    package enum Source: Sendable, Equatable {
        case database
        /// From disk, as it was at this time.
        case disk(savedAt: Instant)
    }

    /// Nothing is known yet.
    package init() {}

    package internal(set) var link = Link.connecting
    /// Nil until the first directory is loaded.
    package internal(set) var source: Source?
    /// Rows, those refused included.
    package internal(set) var tenants = 0
    /// Refused rows, by host.
    package internal(set) var quarantined: [String: RowFlaw] = [:]
    /// How many pools active tenants name.
    package internal(set) var pools = 0
    /// The `pg_snapshot` that the directory shows; nil where it came from disk.
    package internal(set) var snapshot: String?
    /// The `pg_snapshot` in which every row was read last, whatever the rows' stamps say; nil where it came from disk.
    package internal(set) var fullSnapshot: String?
    /// Which server and tables it was read from: marks to be compared, not read.
    package internal(set) var place: String?
    /// Grows whenever a read brought anything.
    package internal(set) var revision: UInt64 = 0
    /// When the directory last was known to be what the database holds.
    package internal(set) var confirmedAt: Instant?
    /// Whether announcements of changes arrive; nil while that is not known.
    package internal(set) var isListening: Bool?
}
