import Postgres

/// What a read of the directory saw: which database it looked at, and which transactions it could see there.
struct ReadPoint: Sendable, Equatable {
    /// Postgres' `pg_snapshot`, which says of every transaction whether the read saw what it wrote (PostgreSQL
    /// documentation, "pg_snapshot Components").
    let visibility: String
    /// The number of the server process that answered.
    let backend: Int64
    /// Marks that tell servers, databases and tables apart. While they are equal, what changed since an earlier read can
    /// be asked for.
    let place: String
    /// For how long the server lets a session be idle; nil without a limit.
    let idleLimit: Duration?

    /// Reads the one row of `DirectoryQueries.point`.
    init(_ rows: PostgresRows) throws(PostgresError) {
        let columns = try rows.columns(["snapshot", "backend", "place", "idle_milliseconds"])
        guard let visibility = rows.text(0, columns[0]), let backend = try rows.integer(0, columns[1]),
            let place = rows.text(0, columns[2])
        else { throw .misuse("the database gave no snapshot") }
        let idle = try rows.integer(0, columns[3]) ?? 0
        self.init(
            visibility: visibility, backend: backend, place: place,
            idleLimit: idle > 0 ? .milliseconds(min(idle, Int64(Int32.max))) : nil)
    }

    init(visibility: String, backend: Int64, place: String, idleLimit: Duration?) {
        self.visibility = visibility
        self.backend = backend
        self.place = place
        self.idleLimit = idleLimit
    }

    /// Whether what changed between `earlier` and this point can be asked for by transaction ids: both are of the same
    /// server and tables, and this one saw no less. A database that was restored from a backup can have seen less.
    func continues(_ earlier: ReadPoint) -> Bool {
        guard place == earlier.place, let mine = Self.bounds(visibility),
            let others = Self.bounds(earlier.visibility)
        else { return false }
        return mine.xmin >= others.xmin && mine.xmax >= others.xmax
    }

    /// The first two parts of `xmin:xmax:running`.
    private static func bounds(_ visibility: String) -> (xmin: UInt64, xmax: UInt64)? {
        let parts = visibility.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = UInt64(parts[0]), let xmax = UInt64(parts[1]) else { return nil }
        return (xmin, xmax)
    }
}
