/// A value that no message, dump or interpolation shows.
struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
    /// The secret itself.
    let bytes: [UInt8]

    var description: String { "(secret)" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether `other` is the secret. The time that this takes depends on the length of `other` alone, so that it tells
    /// nothing of the secret.
    func matches(_ other: [UInt8]) -> Bool {
        var difference: UInt8 = bytes.count == other.count ? 0 : 1
        for (index, byte) in other.enumerated() {
            difference |= byte ^ (bytes.isEmpty ? 0xFF : bytes[index % bytes.count])
        }
        return difference == 0
    }
}
