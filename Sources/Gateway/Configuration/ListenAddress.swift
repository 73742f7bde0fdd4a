import Glibc

/// Where a listener is bound: a name or address and a port, 0 letting the system choose one.
struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    let host: String
    let port: Int

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
            guard Self.isIPv6(String(decoding: name, as: UTF8.self)) else { return nil }
        }
        guard !name.isEmpty, name.count <= 253, isBracketed || name.allSatisfy(Self.isNameByte) else {
            return nil
        }
        self.host = String(decoding: name, as: UTF8.self)
        self.port = port
    }

    /// Whether only this machine can reach it.
    var isLoopback: Bool { LoopbackName.matches(host) }

    var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    static func isIPv6(_ text: String) -> Bool { ipv6(text) != nil }

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

/// Names and addresses that lead to this machine alone (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
enum LoopbackName {
    /// Takes a name or an address without brackets, in any letter case.
    static func matches(_ name: String) -> Bool {
        let lowered = name.lowercased()
        if lowered.utf8.elementsEqual("localhost".utf8)
            || lowered.utf8.reversed().starts(with: ".localhost".utf8.reversed())
        {
            return true
        }
        if ListenAddress.isIPv4(name) { return name.utf8.starts(with: "127.".utf8) }
        guard let bytes = ListenAddress.ipv6(name) else { return false }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
}

/// Numbers of digits alone: no sign, no space, no trap.
enum Digits {
    static func number(_ bytes: some Collection<UInt8>, atMost greatest: Int) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var number = 0
        for byte in bytes {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, exceeded) = product.addingReportingOverflow(Int(byte - 0x30))
            guard !overflowed, !exceeded, sum <= greatest else { return nil }
            number = sum
        }
        return number
    }
}
