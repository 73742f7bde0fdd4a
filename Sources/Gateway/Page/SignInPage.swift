/// Where a person gives the admin token, off loopback: a browser cannot send `Authorization: Bearer` by itself.
struct SignInPage: Sendable {
    let frame: PageFrame
    /// What became of the token that was given; nil where none was.
    let notice: Notice?

    /// Why a token is not taken.
    enum Notice: String, Sendable {
        case wrong = "That is not the admin token."
        case tooMany = "Too many wrong tokens came from your address. Try again in a minute."
    }

    /// The whole page.
    var document: HTML {
        frame.document(title: "Sign in") { html in
            html.element("form", .class("card narrow"), .fixed(.method, "post"), .action(.signIn)) { html in
                html.element("h1", text: "Sign in")
                html.element(
                    "p", .class("muted"), text: "The admin token of this gateway opens the status page.")
                if let notice {
                    html.element("p", .class("notice bad"), .fixed(.role, "alert"), text: notice.rawValue)
                }
                html.element("label", .fixed(.for, "token"), text: "Admin token")
                html.void(
                    "input", .id("token"), .fixed(.type, "password"), .fixed(.name, "token"),
                    .fixed(.autocomplete, "off"), .fixed(.spellcheck, "false"), .flag(.required),
                    .flag(.autofocus))
                html.element("button", .fixed(.type, "submit"), text: "Sign in")
            }
        }
    }
}
