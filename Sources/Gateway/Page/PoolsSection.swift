import ControlPlane
import Gatekeeper
import JOSE

/// The user pools on the overview, with the keys that tokens are verified with.
struct PoolsSection: Sendable {
    let controls: ListControls
    let result: PoolSearch.Result
    let now: Instant

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.section("pools", "User pools", note: "Keys that this gateway has fetched and trusts.") { html in
            controls.search(&html)
            html.element("div", .id("pools-list"), .class("list")) { html in
                controls.states(&html, result.counts, among: [.ready, .waiting, .failing])
                if !result.window.rows.isEmpty {
                    PoolsTable(now: now).write(&html, result.window.rows.map(\.row))
                }
                controls.pages(&html, result.window)
            }
        }
    }
}

/// Pools in a table, on the overview and on the page of a tenant.
struct PoolsTable: Sendable {
    let now: Instant

    /// Writes the table.
    func write(_ html: inout HTML, _ pools: [PoolStatus]) {
        html.table("User pools", "pools") {
            $0.head("Pool")
            $0.head("State")
            $0.head("Keys")
            $0.head("Fetched")
            $0.head("Next refresh")
        } rows: { html in
            for pool in pools { html.row { row(&$0, pool) } }
        }
    }

    private func row(_ html: inout HTML, _ status: PoolStatus) {
        let state = ServedState(status.state)
        html.cell("Pool", "code", text: status.pool.poolID.description)
        html.cell("State") { html in
            html.state(state.tone, state.rawValue)
            html.element("span", .class("muted since")) { html in
                html.text("since ")
                html.time(status.since, now: now)
            }
            if status.areKeysFromDisk { html.element("p", .class("muted"), text: "keys from disk") }
            if let error = status.error { html.element("p", .class("why"), text: error) }
        }
        html.cell("Keys", "keys") { keys(&$0, status) }
        time(&html, "Fetched", status.lastSuccess)
        time(&html, "Next refresh", status.nextAttempt)
    }

    private func time(_ html: inout HTML, _ column: String, _ instant: Instant?) {
        html.cell(column, "when") { html in
            if let instant { html.time(instant, now: now) } else { html.none() }
        }
    }

    /// The keys of now, and below them those that were withdrawn.
    private func keys(_ html: inout HTML, _ status: PoolStatus) {
        if status.keyIDs.isEmpty { html.none() }
        html.element("ul", .class("plain")) { html in
            for keyID in status.keyIDs {
                html.element("li") { html in
                    html.element("code", text: keyID.description)
                    guard let sighting = status.sightings.first(where: { $0.keyID == keyID }) else { return }
                    html.element("span", .class("muted")) { html in
                        html.text(" first seen ")
                        html.time(sighting.firstSeen, now: now)
                    }
                }
            }
        }
        let gone = status.sightings.filter { !status.keyIDs.contains($0.keyID) }
        guard !gone.isEmpty else { return }
        html.element("details") { html in
            html.element("summary", text: "\(gone.count) earlier")
            html.element("ul", .class("plain")) { html in
                for sighting in gone {
                    html.element("li") { html in
                        html.element("code", text: sighting.keyID.description)
                        html.element("span", .class("muted")) { html in
                            html.text(" first seen ")
                            html.time(sighting.firstSeen, now: now)
                            html.text(", last seen ")
                            html.time(sighting.lastSeen, now: now)
                        }
                    }
                }
            }
        }
    }
}
