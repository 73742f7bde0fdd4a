/// Host names and addresses that always mean this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
enum LoopbackName {
    /// Whether `name` is such a name or address. An address has no brackets; the letter case does not matter.
    static func matches(_ name: String) -> Bool {
        let lowered = name.lowercased()
        if lowered.utf8.elementsEqual("localhost".utf8)
            || lowered.utf8.reversed().starts(with: ".localhost".utf8.reversed())
        {
            return true
        }
        if IPAddress.isIPv4(name) { return name.utf8.starts(with: "127.".utf8) }
        guard let bytes = IPAddress.ipv6(name) else { return false }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
}
