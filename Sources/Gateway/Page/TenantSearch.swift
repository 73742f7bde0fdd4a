import ControlPlane
import Gatekeeper

/// A tenant as the list shows it.
struct TenantLine: Sendable {
    let host: HostPattern
    let state: ServedState
    /// Why it is not well, where it is not.
    let detail: String?
    /// Nil for a row that cannot be served.
    let tenant: Tenant?
}

/// The pools of all tenants as one search needs them: whether a pool's name matches, and how the pool is, looked up once
/// for all tenants that share it.
private struct PoolLooks {
    let statuses: [PoolName: PoolStatus]
    let matcher: TextMatcher
    private var looks: [ObjectIdentifier: (matches: Bool, state: ServedState)] = [:]

    init(statuses: [PoolName: PoolStatus], matcher: TextMatcher) {
        self.statuses = statuses
        self.matcher = matcher
    }

    mutating func look(_ pool: TenantPool) -> (matches: Bool, state: ServedState) {
        if let known = looks[ObjectIdentifier(pool)] { return known }
        let state = statuses[pool.key].map { ServedState($0.state) } ?? .waiting
        let look = (matcher.isIn(Array(pool.key.poolID.description.lowercased().utf8)), state)
        looks[ObjectIdentifier(pool)] = look
        return look
    }
}

/// Finds tenants among all of a directory: one pass, which gives way to other work from time to time.
struct TenantSearch: Sendable {
    /// What was found.
    struct Result: Sendable {
        /// The page that was asked for.
        var window: ListWindow<TenantLine>
        /// How many tenants match what is searched for, by their state.
        var counts: [ServedState: Int] = [:]

        /// How many tenants match, whatever their state.
        var total: Int { counts.values.reduce(0, +) }
    }

    let directory: Directory?
    let pools: [PoolName: PoolStatus]

    /// The tenants whose host, or the id of one of whose pools, contains what `query` searches for.
    func find(_ query: ListQuery) async -> Result {
        var result = Result(window: ListWindow(query.place, size: Limits.linesOfPage))
        guard let directory else { return result }
        let matcher = TextMatcher(query.search)
        var looks = PoolLooks(statuses: pools, matcher: matcher)
        var seen = 0
        for (host, entry) in directory.entries {
            seen += 1
            if seen % Limits.searchedAtOnce == 0 { await Task.yield() }
            let key = TenantSearch.key(host)
            var matches = matcher.isIn(key)
            var state = entry.tenant == nil ? ServedState.quarantined : .suspended
            if let tenant = entry.tenant {
                let isActive = tenant.state == .active
                for pool in tenant.pools {
                    let look = looks.look(pool)
                    matches = matches || look.matches
                    if isActive, look.state.severity > state.severity { state = look.state }
                }
            }
            guard matches else { continue }
            result.counts[state, default: 0] += 1
            if query.state == nil || query.state == state {
                result.window.offer(key, line(host, entry, state))
            }
        }
        return result
    }

    /// One tenant; nil where the directory has no such row.
    func line(_ host: HostPattern) -> TenantLine? {
        guard let entry = directory?[host] else { return nil }
        guard let tenant = entry.tenant else { return line(host, entry, .quarantined) }
        guard tenant.state == .active else { return line(host, entry, .suspended) }
        let states = tenant.pools.map { pools[$0.key].map { ServedState($0.state) } ?? .waiting }
        return line(host, entry, states.max { $0.severity < $1.severity } ?? .waiting)
    }

    /// By what tenants are ordered: a wildcard stands where its asterisk puts it.
    static func key(_ host: HostPattern) -> [UInt8] {
        switch host {
        case .exact(let host): host.bytes
        case .below: Array(host.description.utf8)
        }
    }

    private func line(_ host: HostPattern, _ entry: Directory.Entry, _ state: ServedState) -> TenantLine {
        switch entry {
        case .misconfigured(let flaw):
            TenantLine(host: host, state: state, detail: flaw.description, tenant: nil)
        case .tenant(let tenant):
            TenantLine(
                host: host, state: state, detail: state == .failing ? failure(of: tenant) : nil,
                tenant: tenant)
        }
    }

    /// Why the keys of one of the tenant's pools could not be fetched.
    private func failure(of tenant: Tenant) -> String? {
        tenant.pools.lazy.compactMap { pools[$0.key]?.error }.first
    }
}

/// Whether texts contain one text. Letter case does not count where both are given in small letters.
struct TextMatcher: Sendable {
    private let wanted: [UInt8]

    init(_ wanted: String) {
        self.wanted = Array(wanted.lowercased().utf8)
    }

    /// Whether a text contains it; every text contains an empty one, and is not even made for that.
    func isIn(_ made: @autoclosure () -> [UInt8]) -> Bool {
        guard let first = wanted.first else { return true }
        let text = made()
        guard text.count >= wanted.count else { return false }
        for start in 0...(text.count - wanted.count) where text[start] == first {
            if text[start...].starts(with: wanted) { return true }
        }
        return false
    }
}
