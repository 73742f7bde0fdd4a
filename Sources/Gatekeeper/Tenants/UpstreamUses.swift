import HashTreeCollections

/// How many tenants name each upstream.
///
/// A persistent map like those of the directory, so that a copy shares it.
struct UpstreamUses: Sendable {
    private var counts: TreeDictionary<Upstream, Int> = [:]

    /// How many tenants name the upstream, by default or of their own.
    func count(of upstream: Upstream) -> Int { counts[upstream] ?? 0 }

    /// Counts the upstreams of a tenant that takes another's place; nil where no tenant stands there before, or after.
    mutating func replace(_ old: Tenant?, with new: Tenant?) {
        let (gone, come) = (old?.upstreams ?? [], new?.upstreams ?? [])
        guard gone != come else { return }
        for upstream in gone {
            let left = count(of: upstream) - 1
            counts[upstream] = left > 0 ? left : nil
        }
        for upstream in come { counts[upstream, default: 0] += 1 }
    }
}
