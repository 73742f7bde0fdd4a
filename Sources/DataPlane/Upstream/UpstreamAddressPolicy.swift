import NIOCore

/// Which addresses upstreams may have, checked after resolution, on each connecting.
struct UpstreamAddressPolicy: Sendable {
    /// Empty allows every address that is not refused otherwise.
    let networks: [AddressRange]
    /// The gateway's own listeners: a request sent there would come back.
    let ownListeners: [SocketAddress]
    /// The addresses of this machine's interfaces now, 4 or 16 bytes each; asked for only where a port is that of a
    /// listener on all addresses.
    var interfaces: @Sendable () -> Set<[UInt8]> = LocalInterfaces.addresses

    /// Where clouds tell secrets to whoever asks from inside: link-local addresses (AWS, Azure, Google and most others
    /// at `169.254.169.254`), and those that clouds chose elsewhere: AWS and Google over IPv6, Alibaba, Azure's wire
    /// server, Oracle's and IBM's being link-local.
    private static let refused = [
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16",
    ].compactMap(AddressRange.init)

    func allows(_ address: SocketAddress) -> Bool {
        guard let bytes = AddressRange.bytes(of: address), let port = address.port else { return false }
        // What translators and tunnels make of an address counts like the address.
        for form in [bytes] + EmbeddedAddress.all(in: bytes) {
            guard let spelled = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: form), port: port),
                !UpstreamAddressPolicy.refused.contains(where: { $0.contains(spelled) }),
                !ownListeners.contains(where: { isOwn(form, port, $0) })
            else { return false }
        }
        return networks.isEmpty || networks.contains { $0.contains(address) }
    }

    private func isOwn(_ bytes: [UInt8], _ port: Int, _ listener: SocketAddress) -> Bool {
        guard port == listener.port, let own = AddressRange.bytes(of: listener) else { return false }
        // Connecting to the unspecified address leads to this machine.
        if bytes == own || bytes.allSatisfy({ $0 == 0 }) { return true }
        guard own.allSatisfy({ $0 == 0 }) else { return false }
        let isLoopback =
            bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        return isLoopback || interfaces().contains(bytes)
    }
}

/// The addresses of this machine.
enum LocalInterfaces {
    static func addresses() -> Set<[UInt8]> {
        let devices = (try? System.enumerateDevices()) ?? []
        return Set(devices.compactMap { $0.address.flatMap(AddressRange.bytes) })
    }
}

/// IPv4 addresses that an IPv6 address stands for.
enum EmbeddedAddress {
    /// Those of the forms that lead somewhere: IPv4-compatible (RFC 4291 §2.5.5.1), NAT64 (RFC 6052 §2.1 and RFC 8215,
    /// with prefixes of 96 bits), 6to4 (RFC 3056 §2), Teredo (RFC 4380 §4) and ISATAP (RFC 5214 §6.1).
    static func all(in bytes: [UInt8]) -> [[UInt8]] {
        guard bytes.count == 16 else { return [] }
        var found: [[UInt8]] = []
        if bytes[..<12].allSatisfy({ $0 == 0 }) { found.append(Array(bytes[12...])) }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) { found.append(Array(bytes[12...])) }
        if bytes.starts(with: [0x20, 0x02]) { found.append(Array(bytes[2..<6])) }
        if bytes.starts(with: [0x20, 0x01, 0x00, 0x00]) {
            found.append(Array(bytes[4..<8]))
            found.append(bytes[12...].map { ~$0 })
        }
        if bytes[8] & 0xFD == 0, bytes[9...11].elementsEqual([0x00, 0x5E, 0xFE]) {
            found.append(Array(bytes[12...]))
        }
        return found
    }
}
