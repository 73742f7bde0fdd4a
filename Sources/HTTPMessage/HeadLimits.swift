/// The bounds of one message's head, all in bytes but the count. What is not set is what the settings are without a word
/// from the operator.
package struct HeadLimits: Sendable, Hashable {
    /// Start line, fields and the empty line together.
    package var headBytes = 32 * 1024
    /// The request target.
    package var targetBytes = 16 * 1024
    /// Field lines, those that continue another one included.
    package var fieldCount = 100
    /// One field line, name and value.
    package var fieldBytes = 16 * 1024

    /// The bounds of a request's head.
    package init() {}

    /// The bounds of a head that was written here, of parts that were held to theirs.
    package static let written: HeadLimits = {
        var limits = HeadLimits()
        limits.headBytes = 64 * 1024 * 1024
        limits.targetBytes = limits.headBytes
        limits.fieldBytes = limits.headBytes
        limits.fieldCount = 65_536
        return limits
    }()

    /// The bounds of a response's head: one line may fill the head.
    package static let responses: HeadLimits = {
        var limits = HeadLimits()
        limits.headBytes = 256 * 1024
        limits.fieldCount = 1000
        limits.fieldBytes = limits.headBytes
        return limits
    }()
}
