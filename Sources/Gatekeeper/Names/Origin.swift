import HTTPMessage

/// Where requests are sent: scheme, host and port (RFC 9110 §4.3.1), nothing of a path.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// The two that upstreams speak.
    package enum Scheme: String, Sendable {
        case http, https
    }

    /// How its requests are carried.
    package let scheme: Scheme
    /// A DNS name or an address, without brackets.
    package let host: String
    /// 1 to 65,535; the scheme's default where the text named none.
    package let port: Int

    /// Parses `http://host[:port]` or `https://host[:port]`; nil with a path, user, query or upper case.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let authority: ArraySlice<UInt8>
        if bytes.starts(with: "http://".utf8) {
            scheme = .http
            authority = bytes.dropFirst(7)
        } else if bytes.starts(with: "https://".utf8) {
            scheme = .https
            authority = bytes.dropFirst(8)
        } else {
            return nil
        }
        var name = authority
        var port = scheme == .http ? 80 : 443
        if let colon = authority.lastIndex(of: ASCII.colon), authority.last != UInt8(ascii: "]") {
            guard let number = ASCII.decimal(authority[(colon + 1)...], maximumDigits: 5),
                (1...65_535).contains(number)
            else { return nil }
            port = number
            name = authority[..<colon]
        }
        guard let host = Host(exact: String(decoding: name, as: UTF8.self)) else { return nil }
        self.port = port
        self.host =
            host.description.hasPrefix("[")
            ? String(host.description.dropFirst().dropLast()) : host.description
    }

    /// The origin with its port written out, and an IPv6 address in brackets.
    package var description: String {
        let shown = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
        return "\(scheme.rawValue)://\(shown):\(port)"
    }
}

extension Origin {
    /// Parses one or more origins with single spaces between them; nil where one of them is none or stands there twice, or
    /// where there are more than a row may name.
    package static func list(_ text: String) -> [Origin]? {
        let parts = text.utf8.split(separator: ASCII.space, omittingEmptySubsequences: false)
        guard parts.count <= Limits.upstreamsPerTenant else { return nil }
        var origins: [Origin] = []
        for part in parts {
            guard let origin = Origin(String(decoding: part, as: UTF8.self)), !origins.contains(origin) else {
                return nil
            }
            origins.append(origin)
        }
        return origins
    }
}
