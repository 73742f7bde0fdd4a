import Gatekeeper
import Postgres

/// The pools that rows of revocations name. Each name is parsed once, however many rows have it.
struct RevokedPools {
    private struct Name: Hashable {
        let region: [UInt8]
        let poolID: [UInt8]
    }

    /// What each name was parsed to; nil for one that no pool can have.
    private var known: [Name: PoolName?] = [:]
    /// The name of the row before, since most rows name the same pool as the one before.
    private var last: (name: Name, pool: PoolName?)?

    /// Every pool that was named.
    var names: Set<PoolName> { Set(known.values.compactMap { $0 }) }

    /// The pool that a row names, which is noted; nil where it is no pool that a tenant can have. `columns` are those of
    /// `DirectoryQueries.revocationColumns`.
    @discardableResult
    mutating func note(_ rows: PostgresRows, _ row: Int, _ columns: [Int]) -> PoolName? {
        if let last, rows.withBytes(row, columns[5], { $0?.elementsEqual(last.name.poolID) }) == true {
            return last.pool
        }
        let name = Name(region: rows.bytes(row, columns[4]) ?? [], poolID: rows.bytes(row, columns[5]) ?? [])
        if let found = known[name] {
            last = (name, found)
            return found
        }
        let region = Region(String(decoding: name.region, as: UTF8.self))
        let poolID = PoolID(String(decoding: name.poolID, as: UTF8.self))
        let pool = region.flatMap { region in poolID.flatMap { PoolName(region: region, poolID: $0) } }
        known[name] = .some(pool)
        last = (name, pool)
        return pool
    }
}
