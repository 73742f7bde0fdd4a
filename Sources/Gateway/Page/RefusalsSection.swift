import Gatekeeper

/// The latest refusals, of all tenants or of one.
struct RefusalsSection: Sendable {
    /// The oldest first.
    let refusals: [RefusalEvent]
    /// Whether they are of many tenants, so that each line names its own.
    let namesTenants: Bool

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.section("recent", "Latest refusals", note: "As they happen, the newest first.") { html in
            guard !refusals.isEmpty else {
                html.element("p", .class("notice"), text: "None since this gateway was started.")
                return
            }
            html.table("Latest refusals", "recent") {
                $0.head("Time")
                $0.head("Code")
                if namesTenants { $0.head("Tenant") }
                $0.head("Request")
                $0.head("Detail")
                $0.head("Request id")
            } rows: { html in
                for refusal in refusals.reversed() { html.row { row(&$0, refusal) } }
            }
        }
    }

    private func row(_ html: inout HTML, _ refusal: RefusalEvent) {
        html.cell("Time", "when") {
            $0.element(
                "time", .dateTime(refusal.time), .title(refusal.time),
                text: RefusalsSection.clock(refusal.time))
        }
        html.cell("Code", "word") { html in
            html.element("code", text: refusal.code)
            if let status = refusal.status { html.element("span", .class("muted"), text: " \(status)") }
        }
        if namesTenants { html.cell("Tenant", "host") { tenant(&$0, refusal) } }
        html.cell("Request", "code request") { html in
            guard refusal.suppressed == 0 else {
                html.element(
                    "span", .class("muted"), text: "and \(refusal.suppressed.grouped) more in that second")
                return
            }
            html.text([refusal.method, refusal.path].compactMap { $0 }.joined(separator: " "))
            if let client = refusal.client { html.element("p", .class("muted"), text: client) }
        }
        html.cell("Detail") { detail(&$0, refusal) }
        html.cell("Request id", "code muted word", text: refusal.requestID)
    }

    private func tenant(_ html: inout HTML, _ refusal: RefusalEvent) {
        if let tenant = refusal.tenant, let host = HostPattern(tenant) {
            html.element("a", .href(.tenant(host)), text: tenant)
        } else if let host = refusal.host {
            html.element("span", .class("muted"), text: host)
        } else {
            html.none()
        }
    }

    private func detail(_ html: inout HTML, _ refusal: RefusalEvent) {
        var words: [String] = []
        if let detail = refusal.detail { words.append(detail) }
        if let subject = refusal.subject { words.append("subject \(subject)") }
        if let rule = refusal.rule { words.append("rule \(rule)") }
        if words.isEmpty { html.none() } else { html.text(words.joined(separator: ", ")) }
    }

    /// Hours, minutes and seconds of a time in the form of RFC 3339.
    private static func clock(_ time: String) -> String {
        String(time.dropFirst("2026-11-26T".count).prefix("14:05:09".count))
    }
}
