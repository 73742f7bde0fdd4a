import Gatekeeper
import NIOCore

/// The upstreams of one loop: a pool of connections for each origin, and for each tenant the group of those that its row
/// names.
///
/// A class, since pools and exchanges refer to it. Pools are bounded by the origins that rows name, and one without
/// connections is forgotten after `Limits.poolTicks`; groups are bounded by the rows of one directory.
final class UpstreamRegistry {
    private let worker: Worker
    private let budget: ConnectionBudget
    private let makeWire: UpstreamPool.WireMaker
    private var pools: [Upstream: UpstreamPool] = [:]
    /// Found by `ResolvedTenant.loopSlot`; begun anew, in a new epoch, whenever hosts change.
    private var epoch: UInt64 = 1
    private var hostsEdition: UInt64 = 0
    private var groups: [UpstreamGroup] = []
    /// Those, and older ones; looked through once a minute where there are many (`Limits.rememberedGroups`).
    private var groupOfTenant: [HostPattern: UpstreamGroup] = [:]
    private var random = RandomBits(seed: .random(in: .min ... .max))

    /// A registry whose pools make the wires of their connections by `makeWire`.
    init(worker: Worker, makeWire: @escaping UpstreamPool.WireMaker) {
        self.worker = worker
        self.makeWire = makeWire
        budget = ConnectionBudget(worker.settings)
        budget.whenExceeded = { self.closeOldestIdle() }
    }

    // MARK: Groups

    /// Begins a new epoch of groups, in which each is looked at again: the hosts have changed. Exchanges under way may
    /// hold a resolved tenant from before, whose slot is not believed in the new epoch.
    private func beginEpoch() {
        epoch += 1
        groups = []
        hostsEdition = worker.hostsEdition
    }

    /// Forgets tenants by whom nothing is held and nothing was noticed lately, where there are many.
    private func forgetGroups() {
        guard groupOfTenant.count > Limits.rememberedGroups else { return }
        let tick = worker.clock.tick
        groupOfTenant = groupOfTenant.filter { !$0.value.isForgettable(at: tick) }
        beginEpoch()
    }

    /// The upstreams of a tenant, found without a look at what loops share once it was asked for.
    func group(for resolved: ResolvedTenant) -> UpstreamGroup {
        if worker.hostsEdition != hostsEdition { beginEpoch() }
        if resolved.loopSlot.epoch == epoch { return groups[resolved.loopSlot.index] }
        let upstreams = resolved.tenant.upstreams
        let name = resolved.tenant.name
        let group: UpstreamGroup
        if let known = groupOfTenant[name] {
            group = known
            if !known.members.map(\.pool.upstream).elementsEqual(upstreams) {
                known.rename(upstreams.map(pool))
            }
        } else {
            group = UpstreamGroup(name, upstreams.map(pool))
            groupOfTenant[name] = group
        }
        // A wildcard's tenant is met under many hosts, and has one slot all the same.
        if group.slot.epoch != epoch {
            group.slot = (epoch, groups.count)
            groups.append(group)
        }
        resolved.loopSlot = group.slot
        return group
    }

    // MARK: Pools

    /// One of a group's upstreams; nil where `excluded` is the only one.
    func choose(from group: UpstreamGroup, excluding excluded: UpstreamPool? = nil) -> UpstreamGroup.Member? {
        let tick = worker.clock.tick
        guard let member = group.choose(excluding: excluded, tick: tick, random: &random) else { return nil }
        guard member.pool.isRetired else { return member }
        group.refresh { self.pool(for: $0.upstream) }
        return group.member(of: member.use)
    }

    private func pool(for upstream: Upstream) -> UpstreamPool {
        if let pool = pools[upstream] { return pool }
        let pool = UpstreamPool(upstream: upstream, worker: worker, budget: budget, makeWire: makeWire)
        pools[upstream] = pool
        return pool
    }

    /// Makes room among the idle connections: of the upstreams that have more than their share of them, the eighth that
    /// was used longest ago goes.
    private func closeOldestIdle() {
        let share = budget.idleLimit / max(pools.values.count { $0.idleCount > 0 }, 1)
        let above = pools.values.filter { $0.idleCount > share }
        let times = above.flatMap(\.idleTimes).sorted()
        guard !times.isEmpty else { return }
        let oldest = times[min(times.count / 8, times.count - 1)]
        for pool in above { pool.closeIdle(before: oldest &+ 1) }
    }

    /// The loop's clock moved on.
    func ticked(_ tick: UInt32) {
        if tick % Limits.groupTicks == 0 { forgetGroups() }
        for (upstream, pool) in pools {
            pool.ticked(tick)
            if pool.retireIfUnused() { pools[upstream] = nil }
        }
    }

    /// Adds up how things stand with the pools, and gives those that are to be shown one by one.
    func read(into figures: inout LoopFigures) -> [UpstreamFigures] {
        figures.upstreamPools = pools.count
        var shown: [UpstreamFigures] = []
        for pool in pools.values {
            let one = pool.figures
            figures.upstreams.add(one)
            figures.ejectedUpstreams += one.ejections
            shown.append(one)
        }
        guard shown.count > Limits.shownUpstreams else { return shown }
        return Array(shown.sorted { $0.isShown(before: $1) }.prefix(Limits.shownUpstreams))
    }

    /// Closes all idle connections.
    func closeIdle() {
        for pool in pools.values { pool.closeIdle() }
    }

    /// Forgets everything.
    func stop() {
        closeIdle()
        pools = [:]
        budget.whenExceeded = {}
    }
}
