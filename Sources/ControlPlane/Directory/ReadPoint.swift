import Postgres

/// Where and when a read looked: what it saw, and whether the next one looks at the same database.
struct ReadPoint: Sendable, Equatable {
    /// The `pg_snapshot`: what is visible in it was seen.
    let snapshot: String
    /// The server process that answered.
    let backend: Int64
    /// Marks that differ between servers, databases and tables; equal where what changed since is all there is to know.
    let place: String
    /// What the server allows a session to be idle for; nil without a limit.
    let idleLimit: Duration?

    /// Reads the one row of `DirectoryQueries.point`.
    init(_ rows: PostgresRows) throws(PostgresError) {
        let columns = try rows.columns(["snapshot", "backend", "place", "idle_milliseconds"])
        guard let snapshot = rows.text(0, columns[0]), let backend = try rows.integer(0, columns[1]),
            let place = rows.text(0, columns[2])
        else { throw .misuse("the database gave no snapshot") }
        let idle = try rows.integer(0, columns[3]) ?? 0
        self.init(
            snapshot: snapshot, backend: backend, place: place,
            idleLimit: idle > 0 ? .milliseconds(min(idle, Int64(Int32.max))) : nil)
    }

    init(snapshot: String, backend: Int64, place: String, idleLimit: Duration?) {
        self.snapshot = snapshot
        self.backend = backend
        self.place = place
        self.idleLimit = idleLimit
    }

    /// Whether what changed since `earlier` can be asked for by transaction ids: the same server and tables, and a
    /// snapshot that is not older than the one before, as that of a restored database can be.
    func continues(_ earlier: ReadPoint) -> Bool {
        guard place == earlier.place, let mine = Self.bounds(snapshot),
            let others = Self.bounds(earlier.snapshot)
        else { return false }
        return mine.xmin >= others.xmin && mine.xmax >= others.xmax
    }

    /// `xmin:xmax:running` (PostgreSQL documentation, "pg_snapshot Components").
    private static func bounds(_ snapshot: String) -> (xmin: UInt64, xmax: UInt64)? {
        let parts = snapshot.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = UInt64(parts[0]), let xmax = UInt64(parts[1]) else { return nil }
        return (xmin, xmax)
    }
}

/// How far a read of revocations has come, in the order of their stamps and ids.
struct RevocationPosition: Sendable, Equatable {
    /// The `xid8` of the last entry read.
    let changed: String
    let id: Int64

    /// Before every entry.
    static let start = RevocationPosition(changed: "0", id: 0)
}

/// How far a connection has read. Tenants are read up to the latest point each time, revocations in batches.
struct ReadProgress: Sendable, Equatable {
    /// Batches under way: the snapshot that the first of them saw, and where the next begins.
    private struct Batches: Equatable {
        let target: String
        let position: RevocationPosition
    }

    /// Where tenants were read last.
    private(set) var point: ReadPoint
    /// The snapshot up to which all revocations are read.
    private var base: String
    private var batches: Batches?
    /// Whether there may be revocations that `point` saw and that are not read.
    private(set) var isBehind = false

    /// Everything was read at `point`.
    init(point: ReadPoint) {
        self.point = point
        self.base = point.snapshot
    }

    /// What to ask for next.
    var since: DirectoryReader.Since {
        DirectoryReader.Since(
            tenants: point.snapshot, revocations: base, position: batches?.position ?? .start)
    }

    /// What changed was read at `point`; revocations up to `next`, or to their end.
    ///
    /// At the end of several batches, all that the first of them saw is read. What was written meanwhile may stand
    /// before the positions of later ones, and is asked for once more.
    mutating func advance(to point: ReadPoint, revocations next: RevocationPosition?) {
        self.point = point
        isBehind = next != nil || batches != nil
        if let next {
            batches = Batches(target: batches?.target ?? point.snapshot, position: next)
        } else {
            base = batches?.target ?? point.snapshot
            batches = nil
        }
    }
}
