package import Gatekeeper

/// A directory with what is needed to change it: the rows it was made of, those refused, and who uses which pool.
///
/// A pure value; each change of one row costs the same, however many rows there are.
package struct DirectoryContent: Sendable {
    package private(set) var directory = Directory()
    /// Rows that cannot be served, by host, with what is wrong with them.
    package private(set) var quarantined: [String: RowFlaw] = [:]
    /// How many active tenants each pool has.
    private var users: [PoolName: Int] = [:]
    private(set) var rows = RowTable()
    private var parser: TenantParser

    /// What a change did besides changing the directory.
    struct Change: Sendable {
        /// Hosts whose row changed, came or went.
        var hosts = 0
        var addedPools: Set<PoolName> = []
        var removedPools: Set<PoolName> = []
        /// Rows that are refused now and were not before, or for another reason.
        var quarantined: [(host: String, flaw: RowFlaw)] = []
        var revocationsChanged = false

        var isEmpty: Bool { hosts == 0 && !revocationsChanged }
    }

    /// No rows; those that come are parsed by `parser`.
    package init(parser: TenantParser) {
        self.parser = parser
    }

    /// How many rows there are, refused ones included.
    package var count: Int { rows.count }

    /// The pools of active tenants.
    package var pools: Set<PoolName> { Set(users.keys) }

    var poolCount: Int { users.count }

    /// Whether no row would be left without these.
    func isEmptied(removing hosts: [[UInt8]]) -> Bool {
        hosts.count >= rows.count && Set(hosts.filter { rows.contains(host: $0) }).count == rows.count
    }

    /// Takes away rows by host and puts others in; hosts not named stay as they are.
    mutating func apply(removedHosts: [[UInt8]], rows changed: [PackedRow]) -> Change {
        var change = Change()
        for host in removedHosts { remove(host, &change) }
        for row in changed { put(row, &change) }
        return change
    }

    /// Makes `all` the rows; a row equal to the one before keeps its tenant.
    mutating func replaceAll(with all: some Sequence<PackedRow>) -> Change {
        var change = Change()
        parser.startOver()
        // At the start nothing can be missing.
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

    /// Takes what changed among the revocations. Says whether that changes anything.
    mutating func apply(_ change: Revocations.Change, at now: Instant) -> Bool {
        guard !change.isEmpty else { return false }
        directory.revocations = directory.revocations.applying(change, at: now)
        return true
    }

    /// Makes `entries` the revocations. Says whether that changes anything.
    mutating func replaceRevocations(with entries: consuming [Revocations.Entry], of pools: Set<PoolName>)
        -> Bool
    {
        let before = directory.revocations
        directory.revocations = before.replacing(with: entries, of: pools)
        return directory.revocations !== before
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

    private mutating func release(_ entry: Directory.Entry?, _ change: inout Change) {
        guard case .tenant(let tenant) = entry, tenant.state == .active else { return }
        for pool in tenant.pools { count(pool.key, -1, &change) }
    }

    private mutating func count(_ pool: PoolName, _ step: Int, _ change: inout Change) {
        let before = users[pool] ?? 0
        let after = before + step
        users[pool] = after == 0 ? nil : after
        if before == 0 {
            if change.removedPools.remove(pool) == nil { change.addedPools.insert(pool) }
        } else if after == 0 {
            if change.addedPools.remove(pool) == nil { change.removedPools.insert(pool) }
        }
    }
}
