import ControlPlane
import Gatekeeper
import Postgres

/// The state of the gateway itself, and of its tenants and pools in numbers.
struct SummarySection: Sendable {
    let readiness: Readiness
    let directory: DirectoryStatus
    let startedAt: Instant
    let tenants: [ServedState: Int]
    let pools: [ServedState: Int]
    /// The overview's queries without what is searched for, for the numbers' links.
    let tenantQuery: ListQuery
    let poolQuery: ListQuery
    let now: Instant

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.element("section", .id("now"), .fixed(.part, "now"), .label("Now")) { html in
            html.element("dl", .class("tiles")) { html in
                gateway(&html)
                database(&html)
                numbers(&html, "Tenants", tenants, tenantQuery)
                numbers(&html, "User pools", pools, poolQuery)
            }
        }
    }

    private func gateway(_ html: inout HTML) {
        html.term("Gateway") { html in
            switch readiness {
            case .ready: html.state(.good, "ready")
            case .unready(let reason):
                html.state(.bad, "not ready")
                html.element("p", .class("why"), text: reason)
            }
            html.element("p", .class("muted")) { html in
                html.text("started ")
                html.time(startedAt, now: now)
            }
        }
    }

    private func database(_ html: inout HTML) {
        html.term("Database") { html in
            switch directory.link {
            case .connected: html.state(.good, "connected")
            case .connecting: html.state(.waiting, "connecting")
            case .schemaTooOld:
                html.state(.bad, "schema too old")
                html.element("p", .class("why"), text: "run 'poolgate migrate'")
            case .lost(let error):
                html.state(.bad, "lost")
                html.element("p", .class("why"), text: error.description)
            }
            html.element("p", .class("muted")) { html in
                switch directory.source {
                case nil: html.text("no tenants loaded yet")
                case .disk: html.text("tenants from disk")
                case .database: html.text("tenants read")
                }
                guard let confirmedAt = directory.confirmedAt else { return }
                html.text(" ")
                html.time(confirmedAt, now: now)
            }
        }
    }

    private func numbers(
        _ html: inout HTML, _ name: String, _ counts: [ServedState: Int], _ query: ListQuery
    ) {
        html.term(name) { html in
            html.element("p", .class("figure"), text: counts.values.reduce(0, +).grouped)
            html.element("p", .class("parts")) { html in
                for state in ServedState.allCases {
                    guard let count = counts[state], count > 0 else { continue }
                    let link = PageLink.overview(
                        query.with(state: state).fields, at: query.list.section)
                    html.element("a", .href(link)) { html in
                        html.state(state.tone, "\(count.grouped) \(state.rawValue)")
                    }
                }
            }
        }
    }
}
