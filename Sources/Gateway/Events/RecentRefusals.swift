import Synchronization

/// The latest refusals, for the status page and for whoever begins to listen to `/events`.
///
/// Bounded twice: a tenant has at most `Limits.refusalsKeptPerTenant`, so that one whose requests are refused in a flood
/// pushes only its own out; and all have at most `Limits.refusalsKept`, beyond which the oldest goes.
///
/// A class, because the log's writer puts refusals in and the admin port reads them; each step under its lock is short.
final class RecentRefusals: Sendable {
    fileprivate struct Entry {
        let number: UInt64
        let refusal: RefusalEvent
    }

    fileprivate struct State {
        /// Each tenant's refusals, the oldest first; under nil those of hosts without a row.
        var byTenant: [String?: [Entry]] = [:]
        /// Whose each refusal is, the oldest first. Refusals that have gone since are skipped when they come first.
        var order: [(number: UInt64, tenant: String?)] = []
        /// Where `order` begins; what stands before was passed.
        var first = 0
        var count = 0
        var lastNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    /// How many refusals are kept now.
    var count: Int { state.withLock { $0.count } }

    /// Adds refusals, in their order.
    func append(_ refusals: [RefusalEvent]) {
        guard !refusals.isEmpty else { return }
        state.withLock { state in
            for refusal in refusals { state.append(refusal) }
        }
    }

    /// The latest refusals of every tenant, or of one, the oldest of them first; at most `limit`.
    func latest(_ limit: Int, tenant: String? = nil) -> [RefusalEvent] {
        state.withLock { state in
            if let tenant { return (state.byTenant[tenant] ?? []).suffix(limit).map(\.refusal) }
            return state.byTenant.values.joined().sorted { $0.number < $1.number }.suffix(limit)
                .map(\.refusal)
        }
    }
}

extension RecentRefusals.State {
    fileprivate mutating func append(_ refusal: RefusalEvent) {
        lastNumber += 1
        var entries = byTenant[refusal.tenant] ?? []
        byTenant[refusal.tenant] = nil
        if entries.count >= Limits.refusalsKeptPerTenant {
            entries.removeFirst()
            count -= 1
        }
        entries.append(RecentRefusals.Entry(number: lastNumber, refusal: refusal))
        byTenant[refusal.tenant] = entries
        order.append((lastNumber, refusal.tenant))
        count += 1
        while count > Limits.refusalsKept { removeOldest() }
        if order.count > 2 * Limits.refusalsKept { forgetPassed() }
    }

    private mutating func removeOldest() {
        while first < order.count {
            let (number, tenant) = order[first]
            first += 1
            guard let oldest = byTenant[tenant]?.first, oldest.number == number else { continue }
            byTenant[tenant]?.removeFirst()
            if byTenant[tenant]?.isEmpty ?? false { byTenant[tenant] = nil }
            count -= 1
            return
        }
    }

    /// Takes out of `order` what was passed, and refusals that have gone.
    private mutating func forgetPassed() {
        order = order[first...].filter { number, tenant in
            byTenant[tenant]?.first.map { $0.number <= number } ?? false
        }
        first = 0
    }
}
