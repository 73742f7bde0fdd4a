import ControlPlane
import DataPlane
import Gatekeeper

/// The status page: gathers what it shows, and writes it.
struct StatusPage: Sendable {
    let state: GatewayState
    let feed: SnapshotFeed
    let database: PageDatabase
    let refusals: RecentRefusals
    let metrics: MetricsCollector
    let explainer: Explainer
    /// Waits for a key of a pool, as a request does that needs it.
    let key: @Sendable (WantedKey) async -> KeyLookupResult
    let frame: PageFrame
    /// Turns at searches and explanations, which cost milliseconds of a core.
    let turns = PageTurns(turns: Limits.searchesAtOnce, places: Limits.searchesWaiting)
    let now: @Sendable () -> Instant

    /// What a page comes to.
    enum Outcome: Sendable {
        case page(HTML)
        case noSuchTenant
        /// Too many people look at once.
        case busy
    }

    /// The sections of the overview, for the bar.
    private static let places: [(name: String, link: PageLink)] = [
        ("Last hour", .fragment("refusals")), ("Latency", .fragment("latency")),
        ("Refusals", .fragment("recent")), ("Tenants", .fragment("tenants")),
        ("User pools", .fragment("pools")), ("Upstreams", .fragment("upstreams")),
        ("Replicas", .fragment("replicas")),
    ]

    /// The overview, with lists as the address says.
    func overview(_ fields: FormFields) async -> Outcome {
        let tenantQuery = ListQuery(.tenants, fields)
        let poolQuery = ListQuery(.pools, fields)
        let pools = state.statusByPool
        let search = TenantSearch(directory: feed.latest.directory, pools: pools)
        let found = await turns.take {
            let poolsFound = PoolSearch(pools: pools).find(poolQuery)
            return (await search.find(tenantQuery), poolsFound)
        }
        guard let (tenantsFound, poolsFound) = found else { return .busy }
        let replicas = await database.replicasKnown()
        let reading = await metrics.reading()
        let hour = HourSections(minutes: metrics.history.upTo(reading, at: now()), now: now())
        let reported = state.reported
        let nobody = FormFields([])
        let html = frame.document(title: "Status", isLive: true, places: StatusPage.places) { html in
            html.element("h1", .class("unseen"), text: "Status of this gateway")
            SummarySection(
                readiness: state.readiness, directory: reported.directory, startedAt: state.startedAt,
                tenants: tenantsFound.counts, pools: poolsFound.counts,
                tenantQuery: ListQuery(.tenants, nobody), poolQuery: ListQuery(.pools, nobody), now: now()
            ).write(&html)
            hour.refusals(&html)
            hour.latency(&html)
            RefusalsSection(
                refusals: refusals.latest(Limits.refusalsShown), namesTenants: true
            ).write(&html)
            TenantsSection(
                controls: ListControls(query: tenantQuery, other: poolQuery, hint: "Host or pool"),
                result: tenantsFound
            ).write(&html)
            PoolsSection(
                controls: ListControls(query: poolQuery, other: tenantQuery, hint: "Pool or key"),
                result: poolsFound, now: now()
            ).write(&html)
            UpstreamsSection(upstreams: reading.upstreams, loops: reading.loops.count).write(&html)
            ReplicasSection(result: replicas, now: now()).write(&html)
        }
        return .page(html)
    }

    /// The page of a tenant.
    func tenant(_ host: HostPattern) async -> Outcome {
        await tenant(ExplainForm(host: host))
    }

    /// The page of a tenant with the explanation of the request that a form describes. The form's token goes into the
    /// request and nowhere else.
    func explanation(_ host: HostPattern, _ form: FormFields) async -> Outcome {
        var section = ExplainForm(host: host)
        section.fields.method = form["method"] ?? "GET"
        section.fields.path = form["path"] ?? "/"
        section.fields.headers = form["headers"] ?? ""
        section.fields.host = form["host"] ?? ""
        let requested = StatusPage.host(of: section)
        guard let requested else {
            section.complaint = "Write a host that \(host) covers"
            return await tenant(section)
        }
        let request = ExplanationRequest(
            host: requested, method: section.fields.method, path: section.fields.path,
            headers: section.fields.headers.split(whereSeparator: \.isNewline).map(String.init),
            token: form["token"].map { Secret(bytes: Array($0.utf8)) })
        let report = await turns.take {
            await explainer.explain(request, by: feed.latest, at: now()) { wanted in
                let lookup = await key(wanted)
                return (feed.latest.keys(of: wanted.pool), lookup)
            }
        }
        guard let report else { return .busy }
        section.report = report
        return await tenant(section)
    }

    private func tenant(_ form: ExplainForm) async -> Outcome {
        let search = TenantSearch(directory: feed.latest.directory, pools: state.statusByPool)
        guard let line = search.line(form.host) else { return .noSuchTenant }
        let changes = await database.changes(of: form.host)
        let pools = line.tenant?.pools.compactMap { search.pools[$0.key] } ?? []
        return .page(
            frame.document(title: form.host.description, places: TenantPage.places) {
                TenantPage(
                    line: line, pools: pools,
                    refusals: refusals.latest(Limits.refusalsShown, tenant: form.host.description),
                    changes: changes, form: form, now: now()
                ).write(&$0)
            })
    }

    /// The host that a form's request is for: the row's own, or one below a wildcard; nil where there is none such.
    private static func host(of form: ExplainForm) -> String? {
        switch form.host {
        case .exact(let host): return host.description
        case .below(let name):
            let host = form.fields.host.lowercased()
            return Host(exact: host) != nil && host.hasSuffix(".\(name)") ? host : nil
        }
    }
}
