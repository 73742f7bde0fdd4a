/// A value that no message, dump or interpolation shows.
struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    var description: String { "(secret)" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether `other` is the same, in a time that depends on its length alone.
    func matches(_ other: [UInt8]) -> Bool {
        var difference: UInt8 = bytes.count == other.count ? 0 : 1
        for (index, byte) in other.enumerated() {
            difference |= byte ^ (bytes.isEmpty ? 0xFF : bytes[index % bytes.count])
        }
        return difference == 0
    }
}
