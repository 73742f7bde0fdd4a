/// Pages that say why there is nothing to see.
enum NoticePage {
    /// The address names no tenant that this gateway serves.
    static func noSuchTenant(_ frame: PageFrame) -> HTML {
        notice(
            frame, "No such tenant",
            "This gateway knows no row of that name. It may have been removed, or is not read yet.")
    }

    /// Too many people look at once.
    static func busy(_ frame: PageFrame) -> HTML {
        notice(frame, "Busy", "Too many searches run at once. Reload the page in a second.")
    }

    private static func notice(_ frame: PageFrame, _ title: String, _ sentence: String) -> HTML {
        frame.document(title: title) { html in
            html.element("div", .class("page-head")) { html in
                html.element("h1", text: title)
                html.element("p", .class("muted"), text: sentence)
            }
        }
    }
}
