/// A host with an optional port, as `Host` and absolute targets hold it (RFC 3986 §3.2, RFC 9110 §7.2).
package struct Authority: Sendable, Hashable {
    /// The host, an IPv6 address with its brackets.
    package let host: HeadSlice
    /// 0 to 65,535; nil where none, or an empty one, is written.
    package let port: UInt16?

    /// Reads the authority at `range`; nil for user information, white space, a list, a percent sign, a byte beyond
    /// ASCII or a port above 65,535.
    package init?(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
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
        ASCII.isLetterOrDigit(byte) || byte == ASCII.hyphen || byte == ASCII.dot || byte == ASCII.underscore
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        ASCII.hexValue(byte) != nil || byte == ASCII.colon || byte == ASCII.dot
    }

    /// Whether both name the same place in `bytes`: letter case is ignored, and a port that is left out is `defaultPort`.
    package func names(_ other: Authority, _ bytes: UnsafeRawBufferPointer, defaultPort: UInt16) -> Bool {
        guard host.count == other.host.count, port ?? defaultPort == other.port ?? defaultPort else {
            return false
        }
        for (left, right) in zip(host.range, other.host.range) {
            if ASCII.lowered(bytes[left]) != ASCII.lowered(bytes[right]) { return false }
        }
        return true
    }
}
