/// The header of the PROXY protocol, version 2, by which a load balancer says whose connection it carries
/// (HAProxy's "The PROXY protocol", §2.2).
package struct ProxyHeader: Sendable, Hashable {
    /// Bytes of the header, its extensions included.
    package let length: Int
    /// Where the connection came from; nil where the balancer itself opened it (LOCAL, a health check), and where it
    /// came by no TCP connection over IP (UNSPEC, UNIX): then the connection's own address is what is known of it.
    package let source: Source?

    /// An address in network order, 4 or 16 bytes, and a port.
    package struct Source: Sendable, Hashable {
        /// 4 bytes of IPv4 or 16 of IPv6.
        package let address: [UInt8]
        /// The TCP port.
        package let port: UInt16
    }

    /// What a header's bytes so far come to.
    package enum Progress: Sendable, Hashable {
        case needMore
        case complete(ProxyHeader)
        /// Not a header of version 2, one of datagrams or of a reserved kind, or one whose addresses are cut short.
        case flaw
    }

    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
    private static let fixedLength = 16

    /// Reads a header at the beginning of `bytes`.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard bytes.prefix(signature.count).elementsEqual(signature.prefix(bytes.count)) else { return .flaw }
        guard bytes.count >= fixedLength else { return .needMore }
        let variable = Int(bytes[14]) << 8 | Int(bytes[15])
        guard bytes[12] >> 4 == 2, variable <= Limits.proxyHeaderVariableBytes else { return .flaw }
        guard bytes.count >= fixedLength + variable else { return .needMore }
        let length = fixedLength + variable
        switch bytes[12] & 15 {
        case 0: return .complete(ProxyHeader(length: length, source: nil))
        case 1: break
        default: return .flaw
        }
        switch bytes[13] {
        case 0x11: return source(bytes, length, addressBytes: 4)
        case 0x21: return source(bytes, length, addressBytes: 16)
        default:
            // Family 0 and transport 0 say nothing, family 3 is a Unix socket; what else is left carries no TCP over
            // IP, or is reserved and must be refused (§2.2).
            let (family, transport) = (bytes[13] >> 4, bytes[13] & 15)
            let hasNoAddress =
                family == 0 && transport <= 2 || family == 3 && transport <= 2
                || family < 3 && transport == 0
            return hasNoAddress ? .complete(ProxyHeader(length: length, source: nil)) : .flaw
        }
    }

    private static func source(
        _ bytes: UnsafeRawBufferPointer, _ length: Int, addressBytes: Int
    ) -> Progress {
        guard length >= fixedLength + 2 * addressBytes + 4 else { return .flaw }
        let portOffset = fixedLength + 2 * addressBytes
        return .complete(
            ProxyHeader(
                length: length,
                source: Source(
                    address: Array(bytes[fixedLength..<(fixedLength + addressBytes)]),
                    port: UInt16(bytes[portOffset]) << 8 | UInt16(bytes[portOffset + 1]))))
    }
}
