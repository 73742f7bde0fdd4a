/// How the memory of verified tokens fares, on one loop or on several together.
package struct TokenFigures: Sendable, Equatable {
    /// Tokens that were remembered when they came again.
    package var hits: UInt64 = 0
    /// Tokens that were not, and were looked into.
    package var misses: UInt64 = 0
    /// Remembered tokens that went to make room for others.
    package var evictions: UInt64 = 0
    /// Signatures that were verified and found genuine.
    package var genuineSignatures: UInt64 = 0
    /// Signatures that were verified and found wrong.
    package var wrongSignatures: UInt64 = 0
    /// Tokens that are remembered now.
    package var entries = 0
    /// The bytes that they cost now.
    package var bytes = 0
    /// The bytes that they may cost.
    package var budgetBytes = 0

    /// Figures of nothing.
    package init() {}

    /// Takes in those of another loop.
    package mutating func add(_ other: TokenFigures) {
        hits &+= other.hits
        misses &+= other.misses
        evictions &+= other.evictions
        genuineSignatures &+= other.genuineSignatures
        wrongSignatures &+= other.wrongSignatures
        entries += other.entries
        bytes += other.bytes
        budgetBytes += other.budgetBytes
    }
}
