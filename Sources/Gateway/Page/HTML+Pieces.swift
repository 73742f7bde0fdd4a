import Gatekeeper

/// Pieces that several sections of the page are made of.
extension HTML {
    /// A state: its sign, which is for the eye alone, and its word.
    mutating func state(_ tone: Tone, _ word: String) {
        let (looks, sign): (StaticString, StaticString) =
            switch tone {
            case .good: ("state good", "●")
            case .waiting: ("state waiting", "◐")
            case .bad: ("state bad", "▲")
            case .idle: ("state idle", "■")
            }
        element("span", .class(looks)) {
            $0.element("span", .class("sign"), .fixed(.ariaHidden, "true"), text: sign.description)
            $0.text(word)
        }
    }

    /// When something was or will be, as people say it; the exact time is the element's title.
    mutating func time(_ instant: Instant, now: Instant) {
        element(
            "time", .dateTime(instant.timestamp), .title(instant.timestamp),
            text: PersonTime(instant, now: now).distance)
    }

    /// A cell of a table's head.
    mutating func head(_ text: String, _ looks: StaticString = "") {
        element("th", .fixed(.scope, "col"), .fixed(.role, "columnheader"), .class(looks), text: text)
    }

    /// A cell of a table. On a narrow screen `column` stands before what `content` writes.
    mutating func cell(_ column: String, _ looks: StaticString = "", content: (inout HTML) -> Void) {
        element("td", .class(looks), .fixed(.role, "cell"), .column(column)) {
            $0.element("div", content: content)
        }
    }

    /// The same with a text; a dash where there is none.
    mutating func cell(_ column: String, _ looks: StaticString = "", text: String?) {
        cell(column, looks) { html in
            if let text { html.text(text) } else { html.none() }
        }
    }

    /// What stands where there is nothing.
    mutating func none() {
        element("span", .class("muted none"), text: "–")
    }

    /// A table with its heads and rows, named for those who hear it.
    mutating func table(
        _ name: String, _ looks: StaticString = "", heads: (inout HTML) -> Void, rows: (inout HTML) -> Void
    ) {
        element("table", .class(looks), .fixed(.role, "table"), .label(name)) {
            $0.element("thead", .fixed(.role, "rowgroup")) {
                $0.element("tr", .fixed(.role, "row"), content: heads)
            }
            $0.element("tbody", .fixed(.role, "rowgroup"), content: rows)
        }
    }

    /// A row of a table.
    mutating func row(content: (inout HTML) -> Void) {
        element("tr", .fixed(.role, "row"), content: content)
    }

    /// A section with its head. `part` is its name in the script, which replaces it when something has changed.
    mutating func section(
        _ id: StaticString, _ title: String, note: String? = nil, content: (inout HTML) -> Void
    ) {
        element("section", .id(id), .fixed(.part, id)) { html in
            html.element("div", .class("section-head")) {
                $0.element("h2", text: title)
                if let note { $0.element("p", .class("muted"), text: note) }
            }
            content(&html)
        }
    }

    /// A term with what it is, in a list of such.
    mutating func term(_ name: String, content: (inout HTML) -> Void) {
        element("div") {
            $0.element("dt", text: name)
            $0.element("dd", content: content)
        }
    }

    /// The same with a text; nothing where there is none.
    mutating func term(_ name: String, _ text: String?) {
        guard let text else { return }
        term(name) { $0.text(text) }
    }
}

extension BinaryInteger {
    /// With commas between thousands.
    var grouped: String {
        let digits = Array(String(magnitude))
        var text = self < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }
}
