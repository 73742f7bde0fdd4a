/// A database URL or `key=value` string as somebody wrote it, and whether part of a password may stand in the wrong place
/// of it.
///
/// That happens where a character of a password is not percent-encoded (RFC 3986 §2.1): libpq then takes part of the
/// password for a host, a port or a database, and quotes it in its messages.
struct ConnectionText {
    /// The text without blanks and line ends around it.
    let text: String
    /// Whether an `@` stands where none can. The password before it then holds a character that ended it too early.
    let hasStrayAt: Bool
    /// Whether an `@` stands in the query. It may belong there, or it may be the end of a password that holds a `?`.
    let isAmbiguous: Bool
    private let isURL: Bool

    /// How a password is to be written.
    static let encoding =
        "in a user name or password '/', '@', ':', '?', '#', '%' and blanks must be percent-encoded "
        + "(%2F, %40, %3A, %3F, %23, %25, %20)"
    /// What to say where `hasStrayAt`.
    static let strayAtAdvice = "has an '@' where none can stand: \(encoding)"

    /// What to add to a complaint about the text's form.
    var advice: String { isURL ? "; \(Self.encoding)" : "; quote a value with blanks in it: password='…'" }

    /// Looks at what was written.
    init(_ text: String) {
        let bytes = Array(text.utf8)
        let start = bytes.firstIndex { $0 > 0x20 || $0 == 0 } ?? bytes.count
        let end = bytes.lastIndex { $0 > 0x20 || $0 == 0 }.map { $0 + 1 } ?? start
        self.text = String(decoding: bytes[start..<end], as: UTF8.self)
        var rest = bytes[start..<end]
        let scheme = ["postgresql://", "postgres://"].first { rest.starts(with: $0.utf8) }
        isURL = scheme != nil
        guard let scheme else {
            (hasStrayAt, isAmbiguous) = (false, false)
            return
        }
        rest = rest.dropFirst(scheme.utf8.count)
        // Read as libpq does: user and password are what stands before the first '@', unless a '/' comes before it.
        if let mark = rest.firstIndex(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "/") }),
            rest[mark] == UInt8(ascii: "@")
        {
            rest = rest[(mark + 1)...]
        }
        let query = rest.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        hasStrayAt = rest[..<query].contains(UInt8(ascii: "@"))
        isAmbiguous = rest[query...].contains(UInt8(ascii: "@"))
    }

    /// The name of a user or a database as a message may show it: an ellipsis where it is not plain.
    static func shown(_ value: String) -> String { isPlain(value) ? value : "…" }

    /// Whether the text has only letters, digits, `_`, `.`, `-` and `+`, at most 63 of them.
    static func isPlain(_ value: String) -> Bool {
        value.utf8.count <= 63 && value.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "+") }
    }

    /// Whether the text has the form of a host name, an address, a socket's folder or an abstract socket's name. An empty
    /// one counts as such.
    static func isHost(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "/") {
            return !bytes.contains(UInt8(ascii: "@")) && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
        if bytes.first == UInt8(ascii: "@") { return bytes.dropFirst().allSatisfy(isNameByte) }
        guard bytes.contains(UInt8(ascii: ":")) else { return bytes.allSatisfy(isNameByte) }
        // An IPv6 address, with a zone behind a '%'.
        let parts = bytes.split(
            separator: UInt8(ascii: "%"), maxSplits: 1, omittingEmptySubsequences: false)
        return parts[0].allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
            && parts.dropFirst().allSatisfy { $0.allSatisfy(isNameByte) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }
}
