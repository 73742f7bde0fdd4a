/// A path in which something was, or had to be, percent-encoded.
package struct DecodedPath: Equatable {
    /// The spelling that goes upstream.
    package let normal: [UInt8]
    /// Wholly decoded: what rules are matched against.
    let bytes: [UInt8]
    /// Decoded once more, where that reads otherwise. There is no third time, since a percent sign that is encoded twice
    /// is refused.
    let again: [UInt8]?
}
