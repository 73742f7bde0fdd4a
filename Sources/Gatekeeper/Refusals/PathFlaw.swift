/// What makes a path ambiguous, where a tenant has rules on paths.
package enum PathFlaw: String, Hashable, Sendable, CaseIterable {
    /// It does not begin with a slash.
    case notAbsolute = "bad_path"
    /// A backslash, a semicolon or NUL, however it is written, or a slash that is percent-encoded.
    case forbiddenByte = "forbidden_in_path"
    /// A percent sign without two hexadecimal digits behind it (RFC 3986 §2.1).
    case badPercentEncoding = "bad_percent_encoding"
    /// Decoded twice it would be another path, under another rule or with what is forbidden in it.
    case doubleEncoding = "double_encoding"
    /// Decoded it is no UTF-8.
    case badUTF8 = "bad_utf8_in_path"
    /// Two slashes in a row.
    case emptySegment = "empty_segment"
    /// A segment `.` or `..` (RFC 3986 §5.2.4).
    case dotSegment = "dot_segment"
}

extension PathFlaw {
    /// To the client a path is as malformed as any other part of a message; in the log each flaw is a code of its own,
    /// since whoever writes rules looks for it.
    var row: RefusalRow {
        RefusalRow(
            .badRequest, "bad_request", "The request is malformed or ambiguous.", code: rawValue,
            closesConnection: true, level: .info, meaning: meaning, remedy: "write the path plainly")
    }

    private var meaning: String {
        switch self {
        case .notAbsolute: "at a host with rules: a path that does not begin with `/`"
        case .forbiddenByte: #"at a host with rules: `\`, `;`, NUL or an encoded `/` in the path"#
        case .badPercentEncoding: "at a host with rules: `%` without two hexadecimal digits"
        case .doubleEncoding:
            "at a host with rules: decoded twice, the path would be under another rule or hold what is "
                + "refused here"
        case .badUTF8: "at a host with rules: the decoded path is no UTF-8"
        case .emptySegment: "at a host with rules: `//` in the path"
        case .dotSegment: "at a host with rules: `.` or `..` as a segment of the path"
        }
    }
}
