/// What stands around every page: its head, the bar on top, and its end.
struct PageFrame: Sendable {
    /// The name of this run of the program.
    let instance: String
    let version: String
    /// Whether there is a token, and so a way out.
    let canSignOut: Bool

    /// A whole document. `isLive` says whether the script keeps its parts up to date; `places` are the links of the bar.
    func document(
        title: String, isLive: Bool = false, places: [(name: String, link: PageLink)] = [],
        content: (inout HTML) -> Void
    ) -> HTML {
        var html = HTML()
        html.doctype()
        html.element("html", .fixed(.lang, "en")) { html in
            html.element("head") { head(&$0, title: title) }
            html.element("body", .flag(.live, isLive)) { html in
                html.element("a", .class("skip"), .href(.fragment("main")), text: "Skip to the content")
                bar(&html, places)
                html.element("main", .id("main"), content: content)
                html.element("footer") {
                    $0.element("p", .class("muted"), text: "Poolgate \(version) · \(instance)")
                }
            }
        }
        return html
    }

    private func head(_ html: inout HTML, title: String) {
        html.void("meta", .fixed(.charset, "utf-8"))
        html.void(
            "meta", .fixed(.name, "viewport"), .fixed(.content, "width=device-width, initial-scale=1"))
        html.void("meta", .fixed(.name, "color-scheme"), .fixed(.content, "light dark"))
        html.element("title", text: "\(title) · Poolgate")
        html.void("link", .fixed(.rel, "icon"), .href(.noIcon))
        html.void("link", .fixed(.rel, "stylesheet"), .href(.asset(.style)))
        html.element("script", .flag(.deferred), .source(.asset(.script))) { _ in }
    }

    private func bar(_ html: inout HTML, _ places: [(name: String, link: PageLink)]) {
        html.element("header", .class("bar")) { html in
            html.element("a", .class("brand"), .href(.overview), text: "Poolgate")
            html.element("nav", .label("Sections")) { html in
                for place in places { html.element("a", .href(place.link), text: place.name) }
            }
            html.element("p", .id("live"), .class("muted"), .fixed(.role, "status"), text: "")
            guard canSignOut else { return }
            html.element("form", .fixed(.method, "post"), .action(.signOut)) {
                $0.element("button", .class("quiet"), .fixed(.type, "submit"), text: "Sign out")
            }
        }
    }
}
