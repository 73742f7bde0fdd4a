/// A value that no message, dump or interpolation shows.
package struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
    /// The secret itself.
    package let bytes: [UInt8]

    /// These bytes as a secret.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// What is shown in the secret's place.
    package var description: String { "(secret)" }
    /// Nothing.
    package var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether `other` is the secret. The time that this takes depends on the length of `other` alone, so that it tells
    /// nothing of the secret.
    package func matches(_ other: [UInt8]) -> Bool {
        var difference: UInt8 = bytes.count == other.count ? 0 : 1
        for (index, byte) in other.enumerated() {
            difference |= byte ^ (bytes.isEmpty ? 0xFF : bytes[index % bytes.count])
        }
        return difference == 0
    }
}
