import Gatekeeper

/// What is wrong with a URL among the settings, in sentences that show none of it: whatever stands in it may be a secret
/// in the wrong place.
enum URLFlaw {
    static let encoding =
        "in its user name and password '/', '@', ':', '?', '#', '%' and blanks must be percent-encoded "
        + "(%2F, %40, %3A, %3F, %23, %25, %20)"

    static func ofOrigins(_ text: String) -> String {
        let flaw = text.split(separator: " ").lazy.compactMap { ofOrigin(String($0)) }.first
        return flaw ?? "is no http:// or https:// origin, or several separated by single spaces"
    }

    private static func ofOrigin(_ text: String) -> String? {
        guard Origin.list(text) == nil else { return nil }
        let form = "write an origin such as http://127.0.0.1:3000"
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            return text.contains("://")
                ? "begins with a scheme that is neither http:// nor https://: \(form)"
                : "has no http:// or https:// before it: \(form)"
        }
        if text.contains("@") {
            return "holds a user name or password, which upstreams cannot be given: \(form)"
        }
        let rest = text.drop { $0 != ":" }.dropFirst(3)
        if rest.contains(where: { "/?#".contains($0) }) {
            return "has something behind the host and port: \(form), without a path or a '/' at the end"
        }
        return "is no http:// or https:// origin: \(form)"
    }

    static func ofTemplate(_ text: String) -> String {
        let form = "write a URL such as https://keys.example/{region}/{pool}"
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            return "is no http:// or https:// URL: \(form)"
        }
        guard text.contains("{pool}") else {
            return "has no {pool} in it, so that pools would share keys: \(form)"
        }
        if text.contains("@") { return "holds a user name, a password or an '@', which it may not: \(form)" }
        if text.contains("#") { return "holds a '#', which is never sent: \(form)" }
        return
            "holds a blank, a brace that is none of {region} and {pool}, or another sign that no URL has: \(form)"
    }

    static func ofProxy(_ text: String) -> String {
        let form =
            "write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, with USER:PASSWORD@ before the host "
            + "where the proxy asks for them"
        return "is no address of a proxy: \(form); \(encoding)"
    }
}

/// The address of a proxy as libcurl takes it, each part of which is where its writer meant it.
struct ProxyAddress {
    let text: String

    /// Parses `SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/]` (RFC 3986 §3.2); nil for anything else.
    init?(_ text: String) {
        guard let scheme = ["http://", "https://", "socks5h://"].first(where: { text.hasPrefix($0) }) else {
            return nil
        }
        var rest = Array(text.utf8.dropFirst(scheme.utf8.count))[...]
        if rest.last == UInt8(ascii: "/") { rest = rest.dropLast() }
        if let mark = rest.firstIndex(of: UInt8(ascii: "@")) {
            guard ProxyAddress.isUserInformation(rest[..<mark]) else { return nil }
            rest = rest[(mark + 1)...]
        }
        guard !rest.isEmpty else { return nil }
        let authority = String(decoding: rest, as: UTF8.self)
        let hasPort =
            rest.first == UInt8(ascii: "[")
            ? rest.last != UInt8(ascii: "]") : rest.contains(UInt8(ascii: ":"))
        guard let address = ListenAddress(hasPort ? authority : authority + ":1"), address.port > 0 else {
            return nil
        }
        self.text = text
    }

    /// Unreserved signs, sub-delimiters, a colon, and triplets of percent-encoding (RFC 3986 §3.2.1).
    private static func isUserInformation(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, rest.prefix(2).allSatisfy(isHexadecimal) else { return false }
                rest = rest.dropFirst(2)
            } else if !isHexadecimal(byte), !isLetter(byte), !"-._~!$&'()*+,;=:".utf8.contains(byte) {
                return false
            }
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66
    }
}
