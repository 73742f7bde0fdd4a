import Gatekeeper

/// Which refusals of a loop get a record of their own: so many a second of one tenant and reason; the rest is counted, so
/// that a flood of them keeps neither the loop nor the log's writer busy.
struct RefusalTally {
    private var counts: [Kind: Count] = [:]

    private struct Kind: Hashable {
        /// The row's version; 0 where none was found.
        let tenant: UInt64
        let refusal: Refusal
    }

    fileprivate struct Count {
        var records = 0
        var beyond = 0
        let tenant: Tenant?
        let status: Int
    }

    /// Refusals that got no record.
    struct Beyond {
        let tenant: Tenant?
        let refusal: Refusal
        let status: Int
        let count: Int
    }

    /// Whether a refusal is recorded; beyond a bound of kinds every one is, for the ring is bounded too.
    mutating func admits(_ refusal: Refusal, of tenant: Tenant?, status: Int) -> Bool {
        let kind = Kind(tenant: tenant?.version ?? 0, refusal: refusal)
        guard counts[kind] != nil || counts.count < Limits.talliedRefusals else { return true }
        return counts[kind, default: Count(tenant: tenant, status: status)].takes()
    }

    /// Ends a second; what was counted in it and not recorded.
    mutating func endSecond() -> [Beyond] {
        guard !counts.isEmpty else { return [] }
        defer { counts.removeAll(keepingCapacity: true) }
        return counts.compactMap { kind, count in
            count.beyond == 0
                ? nil
                : Beyond(
                    tenant: count.tenant, refusal: kind.refusal, status: count.status, count: count.beyond)
        }
    }
}

extension RefusalTally.Count {
    fileprivate mutating func takes() -> Bool {
        guard records >= Limits.recordsOfRefusal else {
            records += 1
            return true
        }
        beyond += 1
        return false
    }
}
