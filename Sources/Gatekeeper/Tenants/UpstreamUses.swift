import HashTreeCollections

/// How many tenants name each upstream.
///
/// A persistent map, as the directory's own are.
struct UpstreamUses: Sendable {
    private var counts: TreeDictionary<Upstream, Int> = [:]

    func count(of upstream: Upstream) -> Int { counts[upstream] ?? 0 }

    mutating func replace(_ old: Directory.Entry?, with new: Directory.Entry?) {
        let (gone, come) = (UpstreamUses.upstreams(old), UpstreamUses.upstreams(new))
        guard gone != come else { return }
        for upstream in gone {
            let left = count(of: upstream) - 1
            counts[upstream] = left > 0 ? left : nil
        }
        for upstream in come { counts[upstream, default: 0] += 1 }
    }

    private static func upstreams(_ entry: Directory.Entry?) -> [Upstream] {
        if case .tenant(let tenant) = entry { tenant.upstreams } else { [] }
    }
}
