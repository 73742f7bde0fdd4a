import Gatekeeper
import NIOCore

/// The upstreams of one loop: a pool of connections for each origin, and for each tenant the group of those that its row
/// names.
///
/// A class, since pools and exchanges refer to it. Pools are bounded by the origins that rows name, and one without
/// connections is forgotten after `Limits.poolTicks`; groups are bounded by the rows of one directory.
final class UpstreamRegistry {
    /// Idle connections of all pools, counted by the pools.
    var idleCount = 0
    /// The shares of this loop in what the process may have of connections, and of idle ones.
    let connectionLimit: Int
    let idleLimit: Int

    private let judge: Judge
    private let clock: LoopClock
    /// For whom pools are made; nil before `start` and after `stop`, which break the cycle between the two.
    private var worker: Worker?
    private var pools: [Upstream: UpstreamPool] = [:]
    /// Found by `ResolvedTenant.loopSlot`; begun anew, in a new epoch, whenever hosts change.
    private var epoch: UInt64 = 1
    private var groups: [UpstreamGroup] = []
    /// Those, and older ones; looked through once a minute where there are many (`Limits.rememberedGroups`).
    private var groupOfTenant: [HostPattern: UpstreamGroup] = [:]
    private var random = RandomBits(seed: .random(in: .min ... .max))

    init(_ settings: ProxySettings, judge: Judge, clock: LoopClock) {
        self.judge = judge
        self.clock = clock
        connectionLimit = max(1, settings.maxUpstreamConnections / settings.workers)
        idleLimit = max(
            1, min(Limits.idleUpstreamConnections, settings.descriptorLimit / 4) / settings.workers)
    }

    /// Makes pools for `worker` from now on.
    func start(_ worker: Worker) {
        self.worker = worker
    }

    /// Whether rows of several tenants name `upstream`.
    func isShared(_ upstream: Upstream) -> Bool {
        judge.snapshot.directory?.isShared(upstream) ?? true
    }

    // MARK: Groups

    /// Begins a new epoch of groups, in which each is looked at again: the hosts have changed. Exchanges under way may
    /// hold a resolved tenant from before, whose slot is not believed in the new epoch.
    func beginEpoch() {
        epoch += 1
        groups = []
    }

    /// Forgets tenants by whom nothing is held and nothing was noticed lately, where there are many.
    private func forgetGroups() {
        guard groupOfTenant.count > Limits.rememberedGroups else { return }
        let tick = clock.tick
        groupOfTenant = groupOfTenant.filter { !$0.value.isForgettable(at: tick) }
        beginEpoch()
    }

    /// The upstreams of a tenant, found without a look at what loops share once it was asked for.
    func group(for resolved: ResolvedTenant) -> UpstreamGroup {
        if resolved.loopSlot.epoch == epoch { return groups[resolved.loopSlot.index] }
        let upstreams = resolved.tenant.upstreams
        let name = resolved.tenant.name
        let group: UpstreamGroup
        if let known = groupOfTenant[name] {
            group = known
            if !known.pools.map(\.upstream).elementsEqual(upstreams) { known.rename(upstreams.compactMap(pool)) }
        } else {
            group = UpstreamGroup(name, upstreams.compactMap(pool))
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
    func choose(from group: UpstreamGroup, excluding excluded: UpstreamPool? = nil) -> UpstreamPool? {
        guard let pool = group.choose(excluding: excluded, tick: clock.tick, random: &random) else {
            return nil
        }
        guard pool.isRetired else { return pool }
        group.refresh { self.pool(for: $0.upstream) ?? $0 }
        return self.pool(for: pool.upstream)
    }

    /// Nil once the loop has stopped.
    private func pool(for upstream: Upstream) -> UpstreamPool? {
        if let pool = pools[upstream] { return pool }
        guard let worker else { return nil }
        let pool = UpstreamPool(upstream: upstream, worker: worker)
        pools[upstream] = pool
        return pool
    }

    /// Makes room among the idle connections: of the upstreams that have more than their share of them, the eighth that
    /// was used longest ago goes.
    func closeOldestIdle() {
        let share = idleLimit / max(pools.values.count { $0.idleCount > 0 }, 1)
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

    /// Closes all idle connections.
    func closeIdle() {
        for pool in pools.values { pool.closeIdle() }
    }

    /// Forgets everything.
    func stop() {
        closeIdle()
        pools = [:]
        worker = nil
    }
}
