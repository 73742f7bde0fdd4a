/// What stands around a list: the field for searching, the states to choose from, and the way to other pages.
struct ListControls: Sendable {
    let query: ListQuery
    /// The other list's query, which a link of this one leaves as it is.
    let other: ListQuery
    /// What the field searches for.
    let hint: String

    /// Where another query of this list leads.
    func link(_ query: ListQuery) -> PageLink {
        .overview(query.fields + other.fields, at: query.list.section)
    }

    /// The field for searching. It works without a script, as a form.
    func search(_ html: inout HTML) {
        let names = query.list.names
        html.element("form", .class("search"), .fixed(.role, "search"), .action(.overview)) { html in
            html.void(
                "input", .fixed(.type, "search"), .fixed(.name, names.search), .value(query.search),
                .placeholder(hint), .label(hint), .fixed(.autocomplete, "off"), .fixed(.spellcheck, "false"))
            let kept = [(names.state, query.state?.rawValue)] + other.fields
            for field in kept {
                guard let value = field.1 else { continue }
                html.void("input", .fixed(.type, "hidden"), .fixed(.name, field.0), .value(value))
            }
            html.element("button", .fixed(.type, "submit"), text: "Search")
        }
    }

    /// The states with how many there are of each.
    func states(_ html: inout HTML, _ counts: [ServedState: Int], among states: [ServedState]) {
        html.element("nav", .class("choices"), .label("By state")) { html in
            let total = counts.values.reduce(0, +)
            choice(&html, nil, "all", total)
            for state in states where counts[state] != nil || query.state == state {
                choice(&html, state, state.rawValue, counts[state] ?? 0)
            }
        }
    }

    private func choice(_ html: inout HTML, _ state: ServedState?, _ word: String, _ count: Int) {
        html.element("a", .href(link(query.with(state: state))), .current(query.state == state)) {
            $0.text(word)
            $0.element("span", .class("count"), text: count.grouped)
        }
    }

    /// Which rows are shown, and the ways to those before and after them.
    func pages<Row>(_ html: inout HTML, _ window: ListWindow<Row>) {
        html.element("nav", .class("pages"), .label("Pages")) { html in
            guard let first = window.rows.first, let last = window.rows.last else {
                html.element("p", .class("muted"), text: "Nothing matches.")
                return
            }
            html.element(
                "p", .class("muted"),
                text: "\((window.start + 1).grouped)–\((window.start + window.rows.count).grouped)"
                    + " of \(window.total.grouped)")
            if window.start > 0 {
                html.element("a", .href(link(query.at(.first))), text: "First")
                html.element("a", .href(link(query.at(.before(first.key)))), text: "Previous")
            }
            if window.hasMore {
                html.element("a", .href(link(query.at(.after(last.key)))), text: "Next")
            }
        }
    }
}
