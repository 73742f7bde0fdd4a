import HTTPMessage

/// A host name in its one canonical spelling: ASCII, lower case, no port, no trailing dot (RFC 9110 §4.2.3).
///
/// It is a DNS name, an IPv4 address, or an IPv6 address in brackets, and compared by its bytes.
package struct Host: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 253 bytes.
    package let bytes: [UInt8]

    /// Makes the canonical spelling of a request's host, as the HTTP parser read it: small letters, and without one
    /// trailing dot. Nil where no row could name it: it is too long, or a label is empty.
    package init?(request name: UnsafeRawBufferPointer) {
        var count = name.count
        if count > 1, name[count - 1] == ASCII.dot { count -= 1 }
        guard count > 0, count <= Limits.hostBytes, !Host.hasEmptyLabel(name, count) else { return nil }
        self.bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer[index] = ASCII.lowered(name[index]) }
            initialized = count
        }
    }

    private static func hasEmptyLabel(_ name: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        var before = ASCII.dot
        for index in 0..<count {
            if name[index] == ASCII.dot, before == ASCII.dot { return true }
            before = name[index]
        }
        return before == ASCII.dot
    }

    /// A host that is spelled canonically already, as rows must; nil for anything else.
    package init?(exact text: String) {
        let bytes = Array(text.utf8)
        guard Host.isCanonical(bytes) else { return nil }
        self.bytes = bytes
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The name without its first label: `b.c` of `a.b.c`; nil where none is left.
    package var parent: Host? {
        guard let dot = bytes.firstIndex(of: ASCII.dot), dot + 1 < bytes.count else { return nil }
        return Host(unchecked: Array(bytes[(dot + 1)...]))
    }

    /// The bytes as text.
    package var description: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether the bytes are a host in its canonical spelling.
    static func isCanonical(_ bytes: [UInt8]) -> Bool {
        guard !bytes.isEmpty, bytes.count <= Limits.hostBytes else { return false }
        if bytes[0] == UInt8(ascii: "[") {
            return bytes.count > 3 && bytes[bytes.count - 1] == UInt8(ascii: "]")
                && bytes[1..<(bytes.count - 1)].allSatisfy { isAddressByte($0) }
        }
        return bytes.split(separator: ASCII.dot, omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || (byte >= 0x61 && byte <= 0x66) || byte == ASCII.colon || byte == ASCII.dot
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        guard let first = label.first, let last = label.last, label.count <= Limits.hostLabelBytes else {
            return false
        }
        return first != ASCII.hyphen && last != ASCII.hyphen
            && label.allSatisfy {
                ASCII.isDigit($0) || ASCII.isLower($0) || $0 == ASCII.hyphen || $0 == ASCII.underscore
            }
    }
}
