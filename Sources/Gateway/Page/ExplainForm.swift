import Gatekeeper

/// The form that describes a request, and what was explained of the one that was described last.
///
/// It shows what was written but for the token, which it never has.
struct ExplainForm: Sendable {
    /// What was written about a request.
    struct Fields: Sendable {
        var method = "GET"
        /// The path, with or without a query.
        var path = "/"
        /// Lines of the head besides `Host`, one a line.
        var headers = ""
        /// For a wildcard: the host below it.
        var host = ""
    }

    let host: HostPattern
    var fields = Fields()
    /// What was explained; nil before that.
    var report: ExplanationReport?
    /// Why nothing could be explained: a sentence without its full stop.
    var complaint: String?

    /// Writes the section.
    func write(_ html: inout HTML) {
        html.section(
            "explain", "Explain a request", note: "What this gateway would do with it, check by check."
        ) { html in
            if let report { result(&html, report) }
            if let complaint {
                html.element("p", .class("notice bad"), .fixed(.role, "alert"), text: "\(complaint).")
            }
            html.element(
                "form", .class("card"), .fixed(.method, "post"), .action(.explain(host)),
                .fixed(.autocomplete, "off")
            ) { inputs(&$0) }
        }
    }

    private func inputs(_ html: inout HTML) {
        if case .below = host {
            html.element("label", .fixed(.for, "explain-host"), text: "Host")
            html.void(
                "input", .id("explain-host"), .fixed(.name, "host"), .value(fields.host),
                .placeholder(host.description), .flag(.required))
        }
        html.element("div", .class("pair")) { html in
            html.element("div", .class("short")) { html in
                html.element("label", .fixed(.for, "explain-method"), text: "Method")
                html.void("input", .id("explain-method"), .fixed(.name, "method"), .value(fields.method))
            }
            html.element("div") { html in
                html.element("label", .fixed(.for, "explain-path"), text: "Path")
                html.void(
                    "input", .id("explain-path"), .fixed(.name, "path"), .value(fields.path),
                    .fixed(.spellcheck, "false"))
            }
        }
        html.element("label", .fixed(.for, "explain-headers"), text: "Other headers, one a line")
        html.element(
            "textarea", .id("explain-headers"), .fixed(.name, "headers"), .fixed(.rows, "3"),
            .fixed(.spellcheck, "false"), text: fields.headers)
        html.element("label", .fixed(.for, "explain-token"), text: "Token")
        html.void(
            "input", .id("explain-token"), .fixed(.type, "password"), .fixed(.name, "token"),
            .fixed(.autocomplete, "off"), .fixed(.spellcheck, "false"))
        html.element(
            "p", .class("muted"),
            text:
                "It stands in Authorization, or wherever {token} is written above. It is neither kept nor logged, "
                + "and an empty field explains a request without one.")
        html.element("button", .fixed(.type, "submit"), text: "Explain")
    }

    private func result(_ html: inout HTML, _ report: ExplanationReport) {
        html.element("div", .id("explanation"), .class("result"), .fixed(.role, "status")) { html in
            if let refusal = report.refusal {
                html.element("p") { html in
                    html.state(.bad, "refused")
                    html.element("b", text: " \(refusal.status) ")
                    html.element("code", text: refusal.code)
                }
                html.element("p", text: refusal.meaning)
                html.element("p", .class("muted"), text: refusal.remedy)
            } else {
                html.state(.good, "forwarded")
            }
        }
        html.table("Checks", "checks") {
            $0.head("Check")
            $0.head("Result")
            $0.head("Expected")
            $0.head("Found")
        } rows: { html in
            for check in report.checks {
                html.row { html in
                    html.cell("Check", "name", text: check.check)
                    html.cell("Result") {
                        $0.state(check.isGood ? .good : .bad, check.isGood ? "ok" : "fails")
                    }
                    html.cell("Expected", text: check.expected)
                    html.cell("Found", text: check.found)
                }
            }
        }
    }
}
