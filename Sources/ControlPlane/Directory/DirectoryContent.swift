package import Gatekeeper

/// A directory together with what is needed to change it: the rows it was made of, and how many tenants use each pool.
///
/// A pure value. Changing one row costs the same however many rows there are.
package struct DirectoryContent: Sendable {
    /// The directory, as requests are judged by it.
    package private(set) var directory = Directory()
    /// The rows that cannot be served, by host, with what is wrong with each.
    package private(set) var quarantined: [String: RowFlaw] = [:]
    /// How many active tenants name each pool; no pool has 0.
    private var tenantCounts: [PoolName: Int] = [:]
    /// Every row, also those that cannot be served.
    private(set) var rows = RowTable()
    private var parser: TenantParser

    /// What a change of the content means for others.
    struct Change: Sendable {
        /// How many hosts' rows came, changed or went.
        var hosts = 0
        /// Pools that an active tenant names now, and none did before.
        var addedPools: Set<PoolName> = []
        /// Pools that no active tenant names any more.
        var removedPools: Set<PoolName> = []
        /// Rows that cannot be served now and could before, or for another reason.
        var quarantined: [(host: String, flaw: RowFlaw)] = []
        var revocationsChanged = false
        /// Pools of whose keys some were withdrawn or lifted.
        var withdrawals: Set<PoolName> = []

        /// Whether the directory is what it was before.
        var isEmpty: Bool { hosts == 0 && !revocationsChanged && withdrawals.isEmpty }
    }

    /// Content without rows. `parser` makes tenants of those that come.
    package init(parser: TenantParser) {
        self.parser = parser
    }

    /// How many rows there are, those that cannot be served included.
    package var count: Int { rows.count }

    /// The pools that active tenants name.
    package var pools: Set<PoolName> { Set(tenantCounts.keys) }

    /// How many pools active tenants name.
    var poolCount: Int { tenantCounts.count }

    /// Whether removing the rows of `hosts` would leave no row.
    func isEmptied(removing hosts: [[UInt8]]) -> Bool {
        hosts.count >= rows.count && Set(hosts.filter { rows.contains(host: $0) }).count == rows.count
    }

    /// Removes the rows of some hosts and puts rows in; those of other hosts stay as they are.
    mutating func apply(removedHosts: [[UInt8]], rows changed: [PackedRow]) -> Change {
        var change = Change()
        for host in removedHosts { remove(host, &change) }
        for row in changed { put(row, &change) }
        return change
    }

    /// Makes `all` the rows. A row that equals the one before keeps its tenant, and so its version.
    mutating func replaceAll(with all: some Sequence<PackedRow>) -> Change {
        var change = Change()
        parser.startOver()
        // Before the first rows, there are none to remove.
        let isFirst = rows.count == 0
        var named = RowTable()
        for row in all {
            if !isFirst { _ = named.put(row) }
            put(row, &change)
        }
        if !isFirst, rows.count > named.count {
            for host in rows.hosts(missingIn: named) { remove(host, &change) }
        }
        return change
    }

    /// Applies a change of the revocations; false where it changes nothing.
    mutating func apply(_ change: Revocations.Change, at now: Instant) -> Bool {
        guard !change.isEmpty else { return false }
        directory.revocations = directory.revocations.applying(change, at: now)
        return true
    }

    /// Makes `entries` the revocations, of the pools `pools`; false where that changes nothing.
    mutating func replaceRevocations(with entries: consuming [Revocations.Entry], of pools: Set<PoolName>)
        -> Bool
    {
        let before = directory.revocations
        directory.revocations = before.replacing(with: entries, of: pools)
        return directory.revocations !== before
    }

    /// Makes `keys` the withdrawn ones, and notes of which pools that changes any.
    mutating func replaceWithdrawnKeys(with keys: WithdrawnKeys, _ change: inout Change) {
        let before = directory.withdrawnKeys
        guard keys != before else { return }
        directory.withdrawnKeys = keys
        change.withdrawals = before.pools.union(keys.pools).filter { before[$0] != keys[$0] }
    }

    private mutating func put(_ row: PackedRow, _ change: inout Change) {
        guard rows.put(row) else { return }
        change.hosts += 1
        let name = String(decoding: row.host, as: UTF8.self)
        let pattern = HostPattern(name)
        let before = pattern.flatMap { directory[$0] }
        do throws(RowFlaw) {
            let tenant = try parser.tenant(row.unpacked())
            quarantined[name] = nil
            directory[tenant.name] = .tenant(tenant)
            if tenant.state == .active {
                for pool in tenant.pools { count(pool.key, 1, &change) }
            }
        } catch {
            if quarantined.updateValue(error, forKey: name) != error {
                change.quarantined.append((name, error))
            }
            if let pattern { directory[pattern] = .misconfigured(error) }
        }
        release(before, &change)
    }

    private mutating func remove(_ host: [UInt8], _ change: inout Change) {
        guard rows.remove(host: host) else { return }
        change.hosts += 1
        let name = String(decoding: host, as: UTF8.self)
        quarantined[name] = nil
        guard let pattern = HostPattern(name) else { return }
        let before = directory[pattern]
        directory[pattern] = nil
        release(before, &change)
    }

    /// Counts the tenant of a replaced or removed entry off its pools.
    private mutating func release(_ entry: Directory.Entry?, _ change: inout Change) {
        guard case .tenant(let tenant) = entry, tenant.state == .active else { return }
        for pool in tenant.pools { count(pool.key, -1, &change) }
    }

    /// Changes how many active tenants name the pool, by 1 or -1.
    private mutating func count(_ pool: PoolName, _ step: Int, _ change: inout Change) {
        let before = tenantCounts[pool] ?? 0
        let after = before + step
        tenantCounts[pool] = after == 0 ? nil : after
        if before == 0 {
            if change.removedPools.remove(pool) == nil { change.addedPools.insert(pool) }
        } else if after == 0 {
            if change.addedPools.remove(pool) == nil { change.removedPools.insert(pool) }
        }
    }
}
