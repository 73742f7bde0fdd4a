import HTTPMessage

/// The address of the egress proxy, checked so strictly that libcurl cannot read it otherwise than it was meant.
struct ProxyAddress {
    /// The address as it was written.
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

    /// Whether the bytes are a `userinfo` of RFC 3986 §3.2.1: unreserved characters, sub-delimiters, colons and
    /// percent-encoded bytes.
    private static func isUserInformation(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard rest.count >= 2, rest.prefix(2).allSatisfy({ ASCII.hexValue($0) != nil }) else {
                    return false
                }
                rest = rest.dropFirst(2)
            } else if !ASCII.isLetterOrDigit(byte), !"-._~!$&'()*+,;=:".utf8.contains(byte) {
                return false
            }
        }
        return true
    }
}
