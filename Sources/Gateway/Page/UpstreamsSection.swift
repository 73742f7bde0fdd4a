import DataPlane

/// How the upstreams are, over all event loops.
struct UpstreamsSection: Sendable {
    let upstreams: [UpstreamFigures]
    /// How many loops there are.
    let loops: Int

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.section("upstreams", "Upstreams", note: "That have been asked; those with trouble first.") {
            html in
            guard !upstreams.isEmpty else {
                html.element("p", .class("notice"), text: "None has been asked yet.")
                return
            }
            html.table("Upstreams", "upstreams") {
                $0.head("Origin")
                $0.head("State")
                $0.head("Open", "number")
                $0.head("Idle", "number")
                $0.head("Being made", "number")
                $0.head("Requests waiting", "number")
            } rows: { html in
                for upstream in upstreams.prefix(Limits.upstreamsShown) { html.row { row(&$0, upstream) } }
            }
        }
    }

    private func row(_ html: inout HTML, _ upstream: UpstreamFigures) {
        html.cell("Origin", "code", text: upstream.upstream.isEmpty ? "all others" : upstream.upstream)
        html.cell("State") { html in
            if upstream.ejections > 0 {
                html.state(.bad, "left out")
                html.element(
                    "p", .class("why"),
                    text: "after failures, by \(upstream.ejections) of \(loops) event loops")
            } else if upstream.waiting > 0 {
                html.state(.waiting, "busy")
            } else {
                html.state(.good, "in use")
            }
        }
        html.cell("Open", "number", text: upstream.open.grouped)
        html.cell("Idle", "number", text: upstream.idle.grouped)
        html.cell("Being made", "number", text: upstream.connecting.grouped)
        html.cell("Requests waiting", "number", text: upstream.waiting.grouped)
    }
}
