import HTTPMessage

/// Where requests are sent, and how: scheme, host and port (RFC 9110 §4.3.1), nothing of a path.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// What upstreams speak.
    package enum Scheme: String, Sendable, CaseIterable {
        /// HTTP/1.1, in clear or by TLS.
        case http, https
        /// HTTP/2 by prior knowledge in clear (RFC 9113 §3.3), and by TLS (§3.2).
        case h2c, h2

        /// Whether it is carried by TLS.
        package var isSecure: Bool { self == .https || self == .h2 }
        /// Whether it is HTTP/2.
        package var isHTTP2: Bool { self == .h2c || self == .h2 }
        /// The port where none is named.
        package var port: Int { isSecure ? 443 : 80 }
    }

    /// How its requests are carried.
    package let scheme: Scheme
    /// A DNS name or an address, without brackets.
    package let host: String
    /// 1 to 65,535; the scheme's default where the text named none.
    package let port: Int

    /// Parses `http://`, `https://`, `h2c://` or `h2://` and `host[:port]`; nil with a path, user, query or upper case.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let written = Scheme.allCases.first { bytes.starts(with: "\($0.rawValue)://".utf8) }
        guard let written else { return nil }
        scheme = written
        let authority = bytes.dropFirst(written.rawValue.utf8.count + 3)
        var name = authority
        var port = written.port
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

    /// The same without the port where that is the scheme's own (RFC 6454 §6.2).
    package var shortDescription: String {
        guard port == scheme.port else { return description }
        return String(description.dropLast(String(port).utf8.count + 1))
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
