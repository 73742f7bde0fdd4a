/// A host with an optional port, as `Host` and absolute targets hold it (RFC 3986 §3.2, RFC 9110 §7.2).
package struct Authority: Sendable, Hashable {
    /// The host, an IPv6 address with its brackets.
    package let host: HeadSlice
    /// 0 to 65,535; nil where none, or an empty one, is written.
    package let port: UInt16?

    /// Parses `range`; nil for user info, white space, lists, percent, non-ASCII or a bad port.
    init?(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        var index = range.lowerBound
        let end = range.upperBound
        guard index < end else { return nil }
        if bytes[index] == 0x5B {
            index += 1
            let first = index
            while index < end, Authority.isAddressByte(bytes[index]) { index += 1 }
            guard index < end, bytes[index] == 0x5D, index - first >= 2 else { return nil }
            index += 1
        } else {
            while index < end, Authority.isNameByte(bytes[index]) { index += 1 }
            guard index > range.lowerBound else { return nil }
        }
        host = HeadSlice(range.lowerBound, index)
        guard index < end else {
            port = nil
            return
        }
        guard bytes[index] == 0x3A else { return nil }
        guard index + 1 < end else {
            port = nil
            return
        }
        guard end - index <= 6, let number = ByteScanner.decimal(bytes, (index + 1)..<end), number <= 65_535
        else {
            return nil
        }
        port = UInt16(number)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        let lowered = byte | 0x20
        return lowered &- 0x61 < 26 || byte &- 0x30 < 10 || byte == 0x2D || byte == 0x2E || byte == 0x5F
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        let lowered = byte | 0x20
        return lowered &- 0x61 < 6 || byte &- 0x30 < 10 || byte == 0x3A || byte == 0x2E
    }

    /// Whether both name the same place, letter case and the default port aside.
    func names(_ other: Authority, _ bytes: UnsafeRawBufferPointer, defaultPort: UInt16) -> Bool {
        guard host.count == other.host.count, port ?? defaultPort == other.port ?? defaultPort else {
            return false
        }
        for (left, right) in zip(host.range, other.host.range) {
            let (one, two) = (bytes[left], bytes[right])
            let lowered = (one &- 0x41 < 26 ? one | 0x20 : one, two &- 0x41 < 26 ? two | 0x20 : two)
            if lowered.0 != lowered.1 { return false }
        }
        return true
    }
}
