package import NIOCore

/// A range of addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3).
package struct AddressRange: Sendable, Hashable {
    private let bytes: [UInt8]
    private let prefixBits: Int

    /// Parses `10.0.0.0/8`, `fd00::/8`, or a single address; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = try? SocketAddress(ipAddress: String(parts[0]), port: 0),
            let bytes = AddressRange.bytes(of: address)
        else { return nil }
        var prefixBits = bytes.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let bits = Int(parts[1]),
                bits <= bytes.count * 8
            else { return nil }
            prefixBits = bits
        }
        self.bytes = bytes
        self.prefixBits = prefixBits
    }

    /// Whether `address` lies in the range; an IPv4 address mapped into IPv6 counts as IPv4.
    package func contains(_ address: SocketAddress) -> Bool {
        guard let other = AddressRange.bytes(of: address), other.count == bytes.count else { return false }
        let whole = prefixBits / 8
        guard bytes[..<whole] == other[..<whole] else { return false }
        let rest = prefixBits % 8
        guard rest > 0 else { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF00 >> rest)
        return bytes[whole] & mask == other[whole] & mask
    }

    /// 4 or 16 bytes in network order; nil for a Unix socket.
    static func bytes(of address: SocketAddress) -> [UInt8]? {
        switch address {
        case .v4: return raw(address, at: 4, count: 4)
        case .v6:
            guard let bytes = raw(address, at: 8, count: 16) else { return nil }
            let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            return isMapped ? Array(bytes[12...]) : bytes
        case .unixDomainSocket: return nil
        }
    }

    /// The address inside a `sockaddr_in` or `sockaddr_in6`, whose layouts POSIX fixes on Linux.
    private static func raw(_ address: SocketAddress, at offset: Int, count: Int) -> [UInt8]? {
        address.withSockAddr { pointer, size in
            guard size >= offset + count else { return nil }
            return Array(UnsafeRawBufferPointer(start: pointer, count: size)[offset..<(offset + count)])
        }
    }
}
