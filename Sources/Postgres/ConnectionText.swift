/// A database URL or `key=value` string as it was written: where a secret may have come to stand by a slip of the pen.
///
/// The slip is a sign in a password that is not percent-encoded (RFC 3986 §2.1). libpq then takes parts of the password
/// for a host, a port or a database, and would quote them.
struct ConnectionText {
    /// The text without blanks and line ends around it.
    let words: String
    /// Whether an `@` stands where none can: the password before it holds a sign that ends it too early.
    let hasStrayAt: Bool
    /// Whether an `@` stands in the query, where it may be meant, or may be what ends a password with a `?` in it.
    let isAmbiguous: Bool
    private let isURL: Bool

    static let encoding =
        "in a user name or password '/', '@', ':', '?', '#', '%' and blanks must be percent-encoded "
        + "(%2F, %40, %3A, %3F, %23, %25, %20)"
    static let strayAtAdvice = "has an '@' where none can stand: \(encoding)"

    /// What to say behind a complaint about the text's form.
    var advice: String { isURL ? "; \(Self.encoding)" : "; quote a value with blanks in it: password='…'" }

    init(_ text: String) {
        let bytes = Array(text.utf8)
        let start = bytes.firstIndex { $0 > 0x20 || $0 == 0 } ?? bytes.count
        let end = bytes.lastIndex { $0 > 0x20 || $0 == 0 }.map { $0 + 1 } ?? start
        words = String(decoding: bytes[start..<end], as: UTF8.self)
        var rest = bytes[start..<end]
        let scheme = ["postgresql://", "postgres://"].first { rest.starts(with: $0.utf8) }
        isURL = scheme != nil
        guard let scheme else {
            (hasStrayAt, isAmbiguous) = (false, false)
            return
        }
        rest = rest.dropFirst(scheme.utf8.count)
        // As libpq reads it: what stands before the first '@' is user and password, unless a '/' comes first.
        if let mark = rest.firstIndex(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "/") }),
            rest[mark] == UInt8(ascii: "@")
        {
            rest = rest[(mark + 1)...]
        }
        let query = rest.firstIndex(of: UInt8(ascii: "?")) ?? rest.endIndex
        hasStrayAt = rest[..<query].contains(UInt8(ascii: "@"))
        isAmbiguous = rest[query...].contains(UInt8(ascii: "@"))
    }

    /// A user or a database as a message may show it: where it is not plain, an ellipsis.
    static func shown(_ value: String) -> String { isPlain(value) ? value : "…" }

    /// Letters, digits, `_`, `.`, `-` and `+` alone.
    static func isPlain(_ value: String) -> Bool {
        value.utf8.count <= 63 && value.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "+") }
    }

    /// Whether it is a host name, an address, the folder of a socket or an abstract socket's name; empty counts.
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
