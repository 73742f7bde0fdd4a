/// The name of a key, `kid` (RFC 7515 §4.1.4): compared byte by byte, never by canonical equivalence.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    /// 1 to 256 bytes, of any value.
    package let bytes: [UInt8]

    /// Nil for no bytes, or too many.
    package init?(_ bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty, bytes.count <= Limits.keyIDBytes else { return nil }
        self.bytes = Array(bytes)
    }

    /// For logs: visible ASCII as it is, every other byte and `%` percent-encoded.
    package var description: String {
        String(escaping: bytes, maximumBytes: Limits.keyIDBytes)
    }
}
