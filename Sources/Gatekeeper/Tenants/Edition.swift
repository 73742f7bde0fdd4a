import Synchronization

/// Numbers that are never given twice in a process.
enum Edition {
    private static let latest = Atomic<UInt64>(0)

    /// A new number.
    static func next() -> UInt64 { latest.add(1, ordering: .relaxed).newValue }
}
