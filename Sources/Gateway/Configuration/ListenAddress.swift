/// Where a listener is bound: a host and a port, where port 0 lets the system choose one.
struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    let host: String
    let port: Int

    /// An address of parts that are known to be good.
    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Parses `HOST:PORT` or `[IPV6]:PORT`; nil for anything else.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            let port = Digits.number(bytes[(colon + 1)...], atMost: 65_535)
        else { return nil }
        var name = bytes[..<colon]
        let isBracketed = name.first == UInt8(ascii: "[") && name.last == UInt8(ascii: "]")
        if isBracketed {
            name = name.dropFirst().dropLast()
            guard IPAddress.isIPv6(String(decoding: name, as: UTF8.self)) else { return nil }
        }
        guard !name.isEmpty, name.count <= 253, isBracketed || name.allSatisfy(Self.isNameByte) else {
            return nil
        }
        self.host = String(decoding: name, as: UTF8.self)
        self.port = port
    }

    /// Whether only this machine can connect to it.
    var isLoopback: Bool { LoopbackName.matches(host) }

    var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Where it can be reached from this machine: at a loopback address where it listens on all addresses.
    var reachable: ListenAddress {
        switch host {
        case "0.0.0.0": ListenAddress(host: "127.0.0.1", port: port)
        case "::": ListenAddress(host: "::1", port: port)
        default: self
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
