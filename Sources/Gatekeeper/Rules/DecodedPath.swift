/// A path that is spelled otherwise upstream, or read otherwise by rules, than the client wrote it.
package struct DecodedPath: Equatable {
    /// How it is written upstream.
    package let normal: [UInt8]
    /// The path wholly decoded, which is what rules are matched against.
    let bytes: [UInt8]
    /// The path decoded twice, as some services do; nil where that changes nothing. A third decoding could change nothing
    /// more, since a percent sign that is encoded twice is refused.
    let again: [UInt8]?
}
