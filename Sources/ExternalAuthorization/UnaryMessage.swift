/// Follows the one message of a call as its bytes come, in pieces of any size (gRPC over HTTP/2, "Length-Prefixed-Message"):
/// one byte that says whether it is compressed, four that say how long it is, then the message.
///
/// It keeps none of the bytes, only how far they came: whoever holds them finds the message behind the prefix.
package struct UnaryMessage: Sendable {
    /// How many bytes came, those of the prefix included.
    package private(set) var received = 0
    /// How long the message says it is, as far as that came.
    private var length = 0

    /// The prefix of a message of so many bytes, which is not compressed.
    static func prefix(_ length: Int) -> [UInt8] {
        let count = UInt32(clamping: length)
        return [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> UInt32($0)) }
    }

    /// A call of which nothing came.
    package init() {}

    /// Takes the next bytes. Throws as soon as they show that the message is not to be read: then nothing need be kept.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) throws(CallRefusal) {
        var index = 0
        while received < Limits.prefixBytes, index < bytes.count {
            let byte = bytes[index]
            if received == 0 {
                guard byte == 0 else { throw byte == 1 ? .compressed : .malformed }
            } else {
                length = length << 8 | Int(byte)
            }
            received += 1
            index += 1
            if received == Limits.prefixBytes, length > Limits.messageBytes { throw .tooLarge }
        }
        received += bytes.count - index
        guard received <= Limits.prefixBytes + length || received < Limits.prefixBytes else {
            throw .secondMessage
        }
    }

    /// Whether the message came whole.
    package var isWhole: Bool { received == Limits.prefixBytes + length && received >= Limits.prefixBytes }

    /// The caller sends nothing more. Throws `.incomplete`.
    package func end() throws(CallRefusal) {
        guard isWhole else { throw .incomplete }
    }
}
