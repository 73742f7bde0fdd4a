import Gatekeeper

/// Which refusals of a loop get a record of their own: so many a second of one tenant and code. The rest is counted, so
/// that a flood of them keeps neither the loop nor the log's writer busy.
struct RefusalTally {
    private var counts: [Kind: Count] = [:]

    /// What refusals have in common that are counted together; the log's own throttle goes by the same.
    private struct Kind: Hashable {
        /// The row's version; 0 where no row was found.
        let tenant: UInt64
        let code: String
    }

    private struct Count {
        var records = 0
        var beyond = 0
        let tenant: Tenant?
        /// The first of the kind, which stands for the others.
        let refusal: Refusal
        let status: Int

        /// Takes one more into account; whether it is recorded.
        mutating func admitsNext() -> Bool {
            guard records >= Limits.recordsOfRefusal else {
                records += 1
                return true
            }
            beyond += 1
            return false
        }
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
        let kind = Kind(tenant: tenant?.version ?? 0, code: refusal.row.code)
        guard counts[kind] != nil || counts.count < Limits.talliedRefusals else { return true }
        return counts[kind, default: Count(tenant: tenant, refusal: refusal, status: status)].admitsNext()
    }

    /// Ends a second; what was counted in it and not recorded.
    mutating func endSecond() -> [Beyond] {
        guard !counts.isEmpty else { return [] }
        defer { counts.removeAll(keepingCapacity: true) }
        return counts.values.compactMap { count in
            count.beyond == 0
                ? nil
                : Beyond(
                    tenant: count.tenant, refusal: count.refusal, status: count.status, count: count.beyond)
        }
    }
}
