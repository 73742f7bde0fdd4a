/// The bounds of one message's head, all in bytes but the count.
package struct HeadLimits: Sendable, Hashable {
    /// Start line, fields and the empty line together.
    package var headBytes = 32 * 1024
    /// The request target.
    package var targetBytes = 16 * 1024
    /// Field lines.
    package var fieldCount = 100
    /// One field line, name and value.
    package var fieldBytes = 16 * 1024

    /// The defaults of the contract.
    package init() {}

    /// Chunk-size line, extensions included (RFC 9112 §7.1.1).
    static let chunkLineBytes = 256
    /// The trailer section.
    static let trailerBytes = 8 * 1024
    /// A method's name.
    static let methodBytes = 32
}
