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

    /// Whether the gateway may connect to the address: it is none that `refused` names, none of its own listeners, and lies
    /// in one of the networks that the operator allows, if there are any.
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
