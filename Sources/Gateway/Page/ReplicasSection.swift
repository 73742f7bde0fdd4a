import Gatekeeper

/// The gateways that write into the same database.
struct ReplicasSection: Sendable {
    let result: Result<[PageDatabase.Replica], PageDatabase.Unavailable>
    let now: Instant

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.section("replicas", "Replicas", note: "Gateways on the same database.") { html in
            switch result {
            case .failure(let failure):
                html.element("p", .class("notice"), text: "Not known: \(failure.reason).")
            case .success(let replicas): table(&html, replicas)
            }
        }
    }

    private func table(_ html: inout HTML, _ replicas: [PageDatabase.Replica]) {
        html.table("Replicas", "replicas") {
            $0.head("Replica")
            $0.head("State")
            $0.head("Version")
            $0.head("Started")
            $0.head("Directory")
            $0.head("Tenants", "number")
            $0.head("Pools", "number")
        } rows: { html in
            for replica in replicas { html.row { row(&$0, replica) } }
        }
    }

    private func row(_ html: inout HTML, _ replica: PageDatabase.Replica) {
        html.cell("Replica", "name") { html in
            html.element("code", text: replica.instance)
            html.element(
                "p", .class("muted"),
                text: replica.isSelf ? "\(replica.hostName), this one" : replica.hostName)
        }
        html.cell("State") { html in
            html.state(ReplicasSection.tone(replica.state), replica.state)
            html.element("span", .class("muted since")) { html in
                html.text("seen ")
                html.time(replica.seenAt, now: now)
            }
        }
        html.cell("Version", "code", text: replica.version)
        html.cell("Started", "when") { $0.time(replica.startedAt, now: now) }
        html.cell(
            "Directory", "when", text: replica.directoryAge.map { "\(PersonTime.span(max($0, 0))) old" }
        )
        html.cell("Tenants", "number") { html in
            html.text(replica.tenants.grouped)
            if replica.quarantined > 0 {
                html.element("p", .class("why"), text: "\(replica.quarantined.grouped) quarantined")
            }
        }
        html.cell("Pools", "number") { html in
            html.text(replica.pools.grouped)
            if replica.failingPools > 0 {
                html.element("p", .class("why"), text: "\(replica.failingPools.grouped) failing")
            }
        }
    }

    private static func tone(_ state: String) -> Tone {
        switch state {
        case "serving": .good
        case "starting": .waiting
        case "draining": .idle
        // Silent, or a word of a newer schema.
        case _: .bad
        }
    }
}
