/// The bounds of one message's head, all in bytes but the count; the defaults are those of requests.
package struct HeadLimits: Sendable, Hashable {
    /// Start line, fields and the empty line together.
    package var headBytes = 32 * 1024
    /// The request target.
    package var targetBytes = 16 * 1024
    /// Field lines, those that continue another one included.
    package var fieldCount = 100
    /// One field line, name and value.
    package var fieldBytes = 16 * 1024

    /// The defaults of the contract.
    package init() {}

    /// The defaults for answers: one line may fill the head.
    package static let answers: HeadLimits = {
        var limits = HeadLimits()
        limits.headBytes = 256 * 1024
        limits.fieldCount = 1000
        limits.fieldBytes = limits.headBytes
        return limits
    }()

    /// Fields for which a connection keeps room between two heads.
    static let keptFields = 128
    /// Chunk-size line, extensions included (RFC 9112 §7.1.1).
    static let chunkLineBytes = 256
    /// The trailer section.
    static let trailerBytes = 8 * 1024
    /// A method's name.
    static let methodBytes = 32
}
