/// Where a person gives the admin token, off loopback: a browser cannot send `Authorization: Bearer` by itself.
struct SignInPage: Sendable {
    let frame: PageFrame
    /// Whether a token was given that is not the one.
    let hasFailed: Bool

    /// The whole page.
    var document: HTML {
        frame.document(title: "Sign in") { html in
            html.element("form", .class("card narrow"), .fixed(.method, "post"), .action(.signIn)) { html in
                html.element("h1", text: "Sign in")
                html.element(
                    "p", .class("muted"), text: "The admin token of this gateway opens the status page.")
                if hasFailed {
                    html.element(
                        "p", .class("notice bad"), .fixed(.role, "alert"),
                        text: "That is not the admin token.")
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
