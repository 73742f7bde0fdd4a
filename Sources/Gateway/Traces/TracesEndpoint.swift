import Gatekeeper
import HTTPMessage

/// Where traces are sent: an OpenTelemetry collector that takes OTLP over HTTP.
struct TracesEndpoint: Sendable, Equatable {
    /// The URL of its traces.
    let url: String

    /// Parses a base such as `http://127.0.0.1:4318`, below which traces go to `/v1/traces`, or the whole URL of the traces;
    /// nil for anything else, for a user name, a query and a fragment too.
    init?(_ text: String) {
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return nil }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        guard Origin(String(decoding: text.utf8[..<slash], as: UTF8.self)) != nil else { return nil }
        var path = rest[slash...]
        guard
            path.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else { return nil }
        while path.last == UInt8(ascii: "/") { path = path.dropLast() }
        let base = String(decoding: text.utf8[..<path.endIndex], as: UTF8.self)
        url = base.hasSuffix("/v1/traces") ? base : base + "/v1/traces"
    }
}

/// Header fields that each export has, such as a collector's key: `NAME=VALUE`, separated by commas.
struct TracesHeaders: Sendable {
    /// Names and values.
    let fields: [(name: String, value: Secret)]

    /// Nil where a name is no token (RFC 9110 §5.6.2), a value not printable, or more than `Limits.exportHeaders` are given.
    init?(_ text: String) {
        var fields: [(name: String, value: Secret)] = []
        for part in text.utf8.split(separator: UInt8(ascii: ",")) {
            guard let mark = part.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = part[..<mark].drop { $0 == UInt8(ascii: " ") }
            let value = part[part.index(after: mark)...]
            guard !name.isEmpty, !value.isEmpty, name.allSatisfy(TracesHeaders.isTokenByte),
                value.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
            else { return nil }
            fields.append((String(decoding: name, as: UTF8.self), Secret(bytes: Array(value))))
        }
        guard !fields.isEmpty, fields.count <= Limits.exportHeaders else { return nil }
        self.fields = fields
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
