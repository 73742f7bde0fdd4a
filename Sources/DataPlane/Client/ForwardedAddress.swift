import HTTPMessage
import NIOCore

/// An address as balancers write it: bare, with a port, in brackets, in quotes (RFC 7239 §6 has all of these).
enum ForwardedAddress {
    /// The address at `range`; nil for what is none, such as `unknown`.
    static func read(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> SocketAddress? {
        guard range.count <= Limits.forwardedAddressBytes else { return nil }
        var range = range
        if range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\""),
            bytes[range.upperBound - 1] == UInt8(ascii: "\"")
        {
            range = trimmed(bytes, (range.lowerBound + 1)..<(range.upperBound - 1))
        }
        guard let host = host(bytes, range), !host.isEmpty else { return nil }
        return try? SocketAddress(ipAddress: String(decoding: bytes[host], as: UTF8.self), port: 0)
    }

    /// The address without its brackets and port; one colon stands before a port, several stand in an IPv6 address.
    private static func host(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int>? {
        if bytes[range].first == UInt8(ascii: "[") {
            guard let close = bytes[range].firstIndex(of: UInt8(ascii: "]")) else { return nil }
            return isPortOrNothing(bytes[(close + 1)..<range.upperBound])
                ? (range.lowerBound + 1)..<close : nil
        }
        guard let colon = bytes[range].firstIndex(of: UInt8(ascii: ":")),
            bytes[range].lastIndex(of: UInt8(ascii: ":")) == colon
        else { return range }
        return isPortOrNothing(bytes[colon..<range.upperBound]) ? range.lowerBound..<colon : nil
    }

    /// Nothing, or a colon and a number; RFC 7239 §6 lets a port be hidden behind other words, which nobody writes.
    private static func isPortOrNothing(_ text: UnsafeRawBufferPointer.SubSequence) -> Bool {
        text.isEmpty
            || (text.first == UInt8(ascii: ":") && text.count <= 6
                && text.dropFirst().allSatisfy(ASCII.isDigit))
    }

    /// `range` without spaces and tabs at its ends.
    static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, bytes[start] == 0x20 || bytes[start] == 9 { start &+= 1 }
        while end > start, bytes[end &- 1] == 0x20 || bytes[end &- 1] == 9 { end &-= 1 }
        return start..<end
    }
}
