import HTTPMessage

/// The origin of a page, as a browser says it in `Origin` (RFC 6454 §4, §6.1).
///
/// Two origins are the same where scheme, host and port are. A scheme's default port may be written or left out.
/// Browsers write scheme and host in small letters, so letter case is ignored only where a `Host` field is compared.
package struct WebOrigin {
    /// Its one spelling, in which a default port is left out.
    package let canonical: [UInt8]
    private let host: [UInt8]
    /// The default one where none was written.
    private let port: Int
    private let defaultPort: Int

    /// Reads `http` or `https`, host and port; nil for `null`, other schemes, and whatever has a path.
    package init?(_ text: some Collection<UInt8>) {
        let text = Array(text)
        let start: Int
        if text.starts(with: "https://".utf8) {
            (start, defaultPort) = (8, 443)
        } else if text.starts(with: "http://".utf8) {
            (start, defaultPort) = (7, 80)
        } else {
            return nil
        }
        guard let (host, written) = WebOrigin.parts(text[start...]) else { return nil }
        self.host = host
        port = written ?? defaultPort
        let shown = port == defaultPort ? [] : Array(":\(port)".utf8)
        canonical = text[..<start] + host + shown
    }

    /// Whether a page of this origin is one of the host that `authority` names, with or without port.
    func isOrigin(of authority: some Collection<UInt8>) -> Bool {
        guard let (host, port) = WebOrigin.parts(authority.map(ASCII.lowered)[...]) else { return false }
        return host == self.host.map(ASCII.lowered) && port ?? defaultPort == self.port
    }

    /// Host and port of an authority; the port is nil where none, or an empty one, is written.
    private static func parts(_ authority: ArraySlice<UInt8>) -> (host: [UInt8], port: Int?)? {
        var host = authority
        var port: Int?
        if let colon = authority.lastIndex(of: ASCII.colon), authority.last != UInt8(ascii: "]") {
            let digits = authority[(colon + 1)...]
            if !digits.isEmpty {
                guard let number = ASCII.decimal(digits, maximumDigits: 5), number <= 65_535 else {
                    return nil
                }
                port = number
            }
            host = authority[..<colon]
        }
        guard !host.isEmpty, host.allSatisfy(isHostByte) else { return nil }
        return (Array(host), port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || byte == ASCII.hyphen || byte == ASCII.dot || byte == ASCII.underscore
            || byte == ASCII.colon || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]")
    }
}
