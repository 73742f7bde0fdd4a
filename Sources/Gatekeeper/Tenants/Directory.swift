import HashTreeCollections

/// Which tenant stands at which host: an immutable snapshot whose copies share almost everything.
///
/// A persistent map, so that changing one of 100,000 hosts does not copy the rest.
package struct Directory: Sendable {
    private var exact: TreeDictionary<Host, Entry> = [:]
    private var below: TreeDictionary<Host, Entry> = [:]
    /// Tokens that are refused before they expire.
    package var revocations = Revocations()
    /// Keys that are not trusted, whatever their pools publish. What hosts lead to is found anew when they change.
    package var withdrawnKeys = WithdrawnKeys() {
        didSet { if withdrawnKeys != oldValue { edition = Edition.next() } }
    }
    /// A number that no other content of the hosts and of the withdrawn keys has, in any directory of the process.
    private(set) var edition: UInt64 = 0
    private var mapped = MappedHeaders()
    private var uses = UpstreamUses()

    /// What a host leads to. A row that cannot be served keeps its place, so that its host never falls to a wildcard.
    package enum Entry: Sendable {
        /// A row that is served, or suspended.
        case tenant(Tenant)
        /// A row that cannot be served, and why.
        case misconfigured(RowFlaw)

        /// The tenant; nil for a row that cannot be served.
        package var tenant: Tenant? {
            switch self {
            case .tenant(let tenant): tenant
            case .misconfigured: nil
            }
        }
    }

    /// A directory without hosts.
    package init() {}

    /// How many hosts and wildcards have an entry.
    package var count: Int { exact.count + below.count }

    /// The entry for a request's host: exact beats wildcard, a longer wildcard a shorter one.
    package func entry(for host: Host) -> Entry? {
        if let found = exact[host] { return found }
        guard !below.isEmpty else { return nil }
        var next = host.parent
        while let name = next {
            if let found = below[name] { return found }
            next = name.parent
        }
        return nil
    }

    /// The entry that stands at exactly this name.
    package subscript(pattern: HostPattern) -> Entry? {
        get {
            switch pattern {
            case .exact(let host): exact[host]
            case .below(let host): below[host]
            }
        }
        set {
            edition = Edition.next()
            uses.replace(self[pattern]?.tenant, with: newValue?.tenant)
            if mapped.concerns(newValue?.tenant) {
                mapped.replace(self[pattern]?.tenant, with: newValue?.tenant)
            }
            switch pattern {
            case .exact(let host): exact[host] = newValue
            case .below(let host): below[host] = newValue
            }
        }
    }

    /// The collapsed names of headers that any row with one of these upstreams maps a claim to.
    func mappedHeaders(for upstreams: [Upstream]) -> Set<[UInt8]> { mapped.names(for: upstreams) }

    /// Whether rows of more than one tenant name `upstream`, by default or of their own.
    package func isShared(_ upstream: Upstream) -> Bool { uses.count(of: upstream) > 1 }

    /// Every host and wildcard with its entry, in no order.
    package var entries: some Sequence<(HostPattern, Entry)> {
        let hosts = exact.lazy.map { (HostPattern.exact($0.key), $0.value) }
        let wildcards = below.lazy.map { (HostPattern.below($0.key), $0.value) }
        return [hosts, wildcards].joined()
    }
}
