extension Duration {
    /// The time in whole milliseconds, rounded down; never negative, and at most `Int32.max`.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        if seconds >= Int64(Int32.max) / 1_000 { return Int64(Int32.max) }
        return seconds < 0 ? 0 : seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    }
}
