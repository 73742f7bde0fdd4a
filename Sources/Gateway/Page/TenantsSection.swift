import ControlPlane
import Gatekeeper

/// The tenants on the overview.
struct TenantsSection: Sendable {
    let controls: ListControls
    let result: TenantSearch.Result

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.section("tenants", "Tenants", note: "Hosts, as this gateway serves them.") { html in
            controls.search(&html)
            html.element("div", .id("tenants-list"), .class("list")) { html in
                controls.states(&html, result.counts, among: ServedState.allCases)
                if !result.window.rows.isEmpty { table(&html) }
                controls.pages(&html, result.window)
            }
        }
    }

    private func table(_ html: inout HTML) {
        html.table("Tenants", "tenants") {
            $0.head("Host")
            $0.head("State")
            $0.head("User pool")
            $0.head("Upstream")
            $0.head("Rules", "number")
        } rows: { html in
            for (_, line) in result.window.rows { html.row { row(&$0, line) } }
        }
    }

    private func row(_ html: inout HTML, _ line: TenantLine) {
        html.cell("Host", "name") {
            $0.element("a", .href(.tenant(line.host)), text: line.host.description)
        }
        html.cell("State") { html in
            html.state(line.state.tone, line.state.rawValue)
            if let detail = line.detail { html.element("p", .class("why"), text: detail) }
        }
        let pools = line.tenant?.pools.map(\.key.poolID.description) ?? []
        html.cell("User pool", "code", text: pools.isEmpty ? nil : pools.joined(separator: ", "))
        let upstreams = line.tenant?.upstreams.map(\.description) ?? []
        html.cell("Upstream", "code", text: upstreams.isEmpty ? nil : upstreams.joined(separator: ", "))
        html.cell("Rules", "number", text: line.tenant.map { $0.rules.all.count.grouped })
    }
}
