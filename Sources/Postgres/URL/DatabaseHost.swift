import CLibPQ

/// One host of a URL: the elements of its lists of names, addresses and ports that belong together. An element that the URL
/// does not give is empty.
struct DatabaseHost: CustomStringConvertible {
    let name: String
    let address: String
    let port: String

    /// Whether connections to it never leave this machine: it is a socket or a loopback address. libpq connects to the
    /// address where one is given, and to the name otherwise.
    var isLocal: Bool {
        let peer = address.isEmpty ? name : address
        // libpq's default is a socket, unless the environment names a host.
        if peer.isEmpty { return Self.environmentNamesNoHost }
        if peer.hasPrefix("/") || peer.hasPrefix("@") { return address.isEmpty }
        if peer == "::1" { return true }
        if peer == "localhost" { return address.isEmpty }
        let parts = peer.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0].elementsEqual("127".utf8)
            && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
    }

    /// Whether name and address have the form of a host. Otherwise they are part of something else, such as a password.
    var isNamed: Bool {
        [name, address].allSatisfy { ConnectionText.isHost($0) }
    }

    /// Whether the port is a number from 1 to 65535, or not given.
    var hasPort: Bool {
        port.isEmpty
            || port.utf8.count <= 5 && port.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
                && (1...65_535).contains(Int(port) ?? 0)
    }

    /// What libpq is told of it.
    var parameters: [(keyword: String, value: String)] {
        [("host", name), ("hostaddr", address), ("port", port)].filter { !$0.1.isEmpty }
    }

    var description: String {
        let peer = name.isEmpty ? address : name
        let shown = peer.contains(":") ? "[\(peer)]" : peer
        return port.isEmpty ? shown : "\(shown):\(port)"
    }

    /// Whether neither PGHOST nor PGHOSTADDR names a host that is not a socket. libpq reads both where a URL names none.
    private static var environmentNamesNoHost: Bool {
        guard let list = PQconndefaults() else { return false }
        defer { PQconninfoFree(list) }
        var entry = list
        while let keyword = entry.pointee.keyword {
            let name = String(cString: keyword)
            if name == "host" || name == "hostaddr", let value = entry.pointee.val, value.pointee != 0,
                value.pointee != CChar(bitPattern: UInt8(ascii: "/")) || name == "hostaddr"
            {
                return false
            }
            entry += 1
        }
        return true
    }
}
