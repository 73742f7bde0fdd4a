import DataPlane
import Gatekeeper
import NIOCore

/// Whether upstreams can be reached: the default ones, and those that rows name, each once.
struct UpstreamCheck {
    let settings: Settings
    let group: any EventLoopGroup

    /// What was found of each origin, those of `tenants` included.
    func findings(_ tenants: [Tenant]) async -> [Finding] {
        let users = users(tenants)
        guard !users.isEmpty else { return [] }
        let prober = UpstreamProber(
            networks: settings.upstreamNetworks, authorityFolder: settings.upstreamCAs, group: group)
        let upstreams = users.keys.sorted { ("\($0)", $0.authority ?? "") < ("\($1)", $1.authority ?? "") }
        return await ParallelWork.map(upstreams, "upstreams", atMost: Limits.checksAtOnce) { upstream in
            let names = users[upstream] ?? []
            let outcome = await prober.probe(upstream, for: names.first)
            return UpstreamCheck.finding(upstream, outcome, of: names.map(\.description))
        }
    }

    /// Each upstream with the rows that use it.
    private func users(_ tenants: [Tenant]) -> [Upstream: [HostPattern]] {
        var users: [Upstream: [HostPattern]] = [:]
        for origin in settings.upstreams { users[Upstream(origin)] = [] }
        for tenant in tenants {
            for upstream in tenant.upstreams { users[upstream, default: []].append(tenant.name) }
        }
        return users
    }

    private static func finding(_ upstream: Upstream, _ outcome: UpstreamProber.Outcome, of rows: [String])
        -> Finding
    {
        let subject = "upstream \(upstream)" + (upstream.authority.map { " (\($0).pem)" } ?? "")
        let users = rows.isEmpty ? "the default" : "of \(Finding.some(rows.sorted()))"
        switch outcome {
        case .reached(let outside) where outside.isEmpty: return .good(subject, "can be reached; \(users)")
        case .reached(let outside):
            return .warning(
                subject,
                "can be reached, but \(Finding.some(outside)) of its addresses lie where upstreams may not; \(users)",
                "add their network to upstream-networks, or mend the name")
        case .forbidden(let addresses):
            return .failure(
                subject, "\(Finding.some(addresses)) lies in none of upstream-networks; \(users)",
                "add its network to upstream-networks, or name another upstream")
        case .failed(let reason, let advice): return .failure(subject, "\(reason); \(users)", advice)
        }
    }
}
