import ControlPlane
import Gatekeeper

/// The page of one tenant: its row and rules as this gateway serves them, its pools, what was refused and changed, and a
/// form that explains a request.
struct TenantPage: Sendable {
    let line: TenantLine
    /// Its pools that are served.
    let pools: [PoolStatus]
    /// The latest of its own, the oldest first.
    let refusals: [RefusalEvent]
    let changes: Result<[PageDatabase.Change], PageDatabase.Unavailable>
    let form: ExplainForm
    let now: Instant

    /// The sections, for the bar.
    static let places: [(name: String, link: PageLink)] = [
        ("Row", .fragment("row")), ("Rules", .fragment("rules")), ("Keys", .fragment("keys")),
        ("Refusals", .fragment("recent")), ("Changes", .fragment("changes")),
        ("Explain", .fragment("explain")),
    ]

    /// Writes the page's content.
    func write(_ html: inout HTML) {
        html.element("div", .class("page-head")) { html in
            html.element("h1", text: line.host.description)
            html.state(line.state.tone, line.state.rawValue)
            if let detail = line.detail { html.element("p", .class("why"), text: detail) }
        }
        if let tenant = line.tenant {
            row(&html, tenant)
            rules(&html, tenant)
            html.section("keys", "Keys", note: "Of the user pools whose tokens are accepted.") { html in
                if pools.isEmpty {
                    html.element("p", .class("notice"), text: "No keys are fetched for this tenant.")
                } else {
                    PoolsTable(now: now).write(&html, pools)
                }
            }
        }
        RefusalsSection(refusals: refusals, namesTenants: false).write(&html)
        changes(&html)
        form.write(&html)
    }

    private func row(_ html: inout HTML, _ tenant: Tenant) {
        html.section("row", "Row", note: "As this gateway serves it.") { html in
            html.element("dl", .class("terms")) { html in
                html.term("User pools", tenant.pools.map(\.key.description).joined(separator: ", "))
                html.term(
                    "Issuers",
                    tenant.pools.flatMap(\.issuers).map { String(decoding: $0, as: UTF8.self) }
                        .joined(separator: ", "))
                html.term(
                    "Upstream",
                    tenant.upstreams.isEmpty
                        ? "none: requests are refused"
                        : tenant.upstreams.map(\.description).joined(separator: ", "))
                html.term("App clients", names(tenant.clientIDs) ?? "every one of the pool")
                html.term("Kinds of token", tenant.tokenUses.names.joined(separator: ", "))
                html.term("Groups, one of", names(tenant.requiredGroups))
                html.term("Scopes, one of", names(tenant.requiredScopes))
                html.term("Cookie", tenant.cookieName.map { String(decoding: $0, as: UTF8.self) })
                html.term("Parameter", tenant.queryParameter.map { String(decoding: $0, as: UTF8.self) })
                html.term("Authorization upstream", tenant.forwardsToken ? "forwarded" : "removed")
                html.term("Origins allowed", tenant.corsOrigins.isEmpty ? nil : names(tenant.corsOrigins))
                html.term("Greatest age of a token", tenant.maxTokenAge.map { "\($0.grouped) s" })
                html.term("Greatest body", tenant.maxBodyBytes.map { "\($0.grouped) bytes" })
                html.term("WebSocket", tenant.carriesWebSockets ? "carried" : "not carried")
                html.term("WebSockets and gRPC calls", atExpiry(tenant))
                html.term("Assertion", assertion(tenant))
            }
        }
    }

    private func names(_ list: [[UInt8]]?) -> String? {
        list?.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
    }

    private func assertion(_ tenant: Tenant) -> String {
        guard tenant.sendsAssertion else { return "not sent" }
        return tenant.assertionAudience.map { "for \(String(decoding: $0, as: UTF8.self))" }
            ?? "for the upstream"
    }

    private func atExpiry(_ tenant: Tenant) -> String {
        switch tenant.atExpiry {
        case .close(let grace): grace == 0 ? "end with their token" : "end \(grace) s after their token"
        case .outlive: "outlive their token"
        }
    }

    private func rules(_ html: inout HTML, _ tenant: Tenant) {
        html.section("rules", "Rules", note: "In the order in which they are looked at.") { html in
            guard !tenant.rules.isEmpty else {
                html.element("p", .class("notice"), text: "None: every path needs a token, and nothing more.")
                return
            }
            html.table("Rules", "rules") {
                $0.head("Id", "number")
                $0.head("Path")
                $0.head("Methods")
                $0.head("Access")
                $0.head("Asks for")
            } rows: { html in
                for rule in tenant.rules.all {
                    html.row { html in
                        html.cell("Id", "number", text: String(rule.id))
                        html.cell("Path", "code", text: rule.prefixText)
                        html.cell("Methods", text: rule.methodsText)
                        html.cell("Access") { html in
                            html.text(rule.access.rawValue)
                            if rule.isShadow { html.element("span", .class("muted"), text: ", in shadow") }
                        }
                        html.cell("Asks for", text: rule.needs)
                    }
                }
            }
        }
    }

    private func changes(_ html: inout HTML) {
        html.section("changes", "Changes", note: "Of the row and its rules, the newest first.") { html in
            switch changes {
            case .failure(let failure):
                html.element("p", .class("notice"), text: "Not known: \(failure.reason).")
            case .success(let changes) where changes.isEmpty:
                html.element("p", .class("notice"), text: "None is recorded.")
            case .success(let changes):
                html.table("Changes", "changes") {
                    $0.head("When")
                    $0.head("What")
                    $0.head("Who")
                    $0.head("Difference")
                } rows: { html in
                    for change in changes { html.row { self.change(&$0, change) } }
                }
            }
        }
    }

    private func change(_ html: inout HTML, _ change: PageDatabase.Change) {
        html.cell("When", "when") { $0.time(change.time, now: now) }
        html.cell("What", text: "\(change.operation) of \(change.table)")
        html.cell("Who") { html in
            html.text(change.author)
            if !change.program.isEmpty { html.element("p", .class("muted"), text: change.program) }
        }
        html.cell("Difference") { html in
            guard !change.lines.isEmpty else { return html.none() }
            html.element("ul", .class("plain code")) { html in
                for line in change.lines { html.element("li", text: line) }
            }
        }
    }
}
