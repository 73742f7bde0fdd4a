/// HTML as it is written, piece by piece.
///
/// There are two ways in: text, which is escaped here and nowhere else, and elements, whose names stand in the source. So
/// no value can become markup, whoever wrote it: a host, a claim, a key id, or a sentence of a foreign server.
struct HTML: Sendable {
    /// What was written so far, in UTF-8.
    private(set) var bytes: [UInt8] = []

    /// The text, escaped for an element's content and for an attribute's value in quotes alike.
    mutating func text(_ text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": write("&amp;")
            case "<": write("&lt;")
            case ">": write("&gt;")
            case "\"": write("&quot;")
            case "'": write("&#39;")
            case _ where HTML.isHidden(scalar): write("\u{FFFD}")
            default: bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    /// An element with what `content` writes in it.
    mutating func element(
        _ name: StaticString, _ attributes: HTMLAttribute..., content: (inout HTML) -> Void
    ) {
        open(name, attributes)
        content(&self)
        close(name)
    }

    /// An element with a text in it.
    mutating func element(_ name: StaticString, _ attributes: HTMLAttribute..., text: String) {
        open(name, attributes)
        self.text(text)
        close(name)
    }

    /// An element without content or end tag, such as `input`.
    mutating func void(_ name: StaticString, _ attributes: HTMLAttribute...) {
        open(name, attributes)
    }

    /// What was written elsewhere.
    mutating func append(_ other: HTML) {
        bytes.append(contentsOf: other.bytes)
    }

    /// The declaration with which a document begins.
    mutating func doctype() {
        write("<!doctype html>")
    }

    private mutating func open(_ name: StaticString, _ attributes: [HTMLAttribute]) {
        write("<")
        write(name)
        for attribute in attributes {
            guard attribute.isPresent else { continue }
            write(" ")
            write(attribute.name)
            guard let value = attribute.value else { continue }
            write("=\"")
            text(value)
            write("\"")
        }
        write(">")
    }

    private mutating func close(_ name: StaticString) {
        write("</")
        write(name)
        write(">")
    }

    private mutating func write(_ markup: StaticString) {
        bytes.append(contentsOf: markup.description.utf8)
    }

    /// Whether a character would not be seen, or would change the order of those that are: controls other than tab and
    /// line end, and the marks by which text changes its direction.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF: true
        default: false
        }
    }
}

/// An attribute of an element. There is none for script or style, and an address is always a `PageLink`.
struct HTMLAttribute: Sendable {
    fileprivate let name: StaticString
    /// Not escaped yet; nil for an attribute without a value.
    fileprivate let value: String?
    fileprivate let isPresent: Bool

    private init(_ name: StaticString, _ value: String?, isPresent: Bool = true) {
        self.name = name
        self.value = value
        self.isPresent = isPresent
    }

    static func `class`(_ names: StaticString) -> HTMLAttribute { .init("class", names.description) }
    static func id(_ id: StaticString) -> HTMLAttribute { .init("id", id.description) }
    static func href(_ link: PageLink) -> HTMLAttribute { .init("href", link.description) }
    static func action(_ link: PageLink) -> HTMLAttribute { .init("action", link.description) }
    static func source(_ link: PageLink) -> HTMLAttribute { .init("src", link.description) }
    static func value(_ text: String) -> HTMLAttribute { .init("value", text) }
    static func title(_ text: String) -> HTMLAttribute { .init("title", text) }
    static func label(_ text: String) -> HTMLAttribute { .init("aria-label", text) }
    static func placeholder(_ text: String) -> HTMLAttribute { .init("placeholder", text) }
    static func dateTime(_ text: String) -> HTMLAttribute { .init("datetime", text) }
    /// What a column's head says, for a narrow screen, where a row is a list.
    static func column(_ name: String) -> HTMLAttribute { .init("data-column", name) }
    /// A number, such as a coordinate of a drawing.
    static func number(_ name: StaticString, _ value: Double) -> HTMLAttribute {
        let tenths = (value * 10).rounded() / 10
        return .init(name, tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)")
    }
    /// The points of a line, as SVG writes them.
    static func points(_ points: [(x: Double, y: Double)]) -> HTMLAttribute {
        .init(
            "points",
            points.map { "\(($0.x * 10).rounded() / 10),\(($0.y * 10).rounded() / 10)" }.joined(
                separator: " "))
    }
    /// An attribute whose value stands in the source, for what makes no request and runs nothing.
    static func fixed(_ name: Fixed, _ value: StaticString) -> HTMLAttribute {
        .init(name.word, value.description)
    }
    /// An attribute that is there or not.
    static func flag(_ flag: Flag, _ isPresent: Bool = true) -> HTMLAttribute {
        .init(flag.word, nil, isPresent: isPresent)
    }
    /// `aria-current`, on the link that leads to what is shown already.
    static func current(_ isCurrent: Bool) -> HTMLAttribute {
        .init("aria-current", "true", isPresent: isCurrent)
    }

    /// The attributes whose values stand in the source.
    enum Fixed {
        case autocomplete, charset, content, enctype, `for`, inputMode, lang, maxLength, media, method, name,
            part
        case rel, role, rows, scope, type, viewBox, ariaHidden, ariaLive, preserveAspectRatio, spellcheck

        fileprivate var word: StaticString {
            switch self {
            case .autocomplete: "autocomplete"
            case .charset: "charset"
            case .content: "content"
            case .enctype: "enctype"
            case .for: "for"
            case .inputMode: "inputmode"
            case .lang: "lang"
            case .maxLength: "maxlength"
            case .media: "media"
            case .method: "method"
            case .name: "name"
            case .part: "data-part"
            case .rel: "rel"
            case .role: "role"
            case .rows: "rows"
            case .scope: "scope"
            case .type: "type"
            case .viewBox: "viewBox"
            case .ariaHidden: "aria-hidden"
            case .ariaLive: "aria-live"
            case .preserveAspectRatio: "preserveAspectRatio"
            case .spellcheck: "spellcheck"
            }
        }
    }

    /// The attributes without values.
    enum Flag {
        case autofocus, deferred, open, required, selected, live

        fileprivate var word: StaticString {
            switch self {
            case .autofocus: "autofocus"
            case .deferred: "defer"
            case .open: "open"
            case .required: "required"
            case .selected: "selected"
            case .live: "data-live"
            }
        }
    }
}
