import Glibc

/// Addresses of the internet protocol in their text forms, without brackets, port or mask.
enum IPAddress {
    /// Whether the text is an IPv6 address (RFC 4291 §2.2).
    static func isIPv6(_ text: String) -> Bool { ipv6(text) != nil }

    /// Whether the text is an IPv4 address in its form of four decimal numbers.
    static func isIPv4(_ text: String) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4)
        return inet_pton(AF_INET, text, &bytes) == 1
    }

    /// The 16 bytes of an IPv6 address in network order; nil for anything else.
    static func ipv6(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }
}
