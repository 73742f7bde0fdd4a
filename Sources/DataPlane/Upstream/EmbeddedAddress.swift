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
