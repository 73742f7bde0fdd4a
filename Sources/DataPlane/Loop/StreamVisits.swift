/// Whose streams a loop looks at in a tick, to see whether any has waited too long.
///
/// A loop can have a million streams, and looking at all of them takes longer than a tick: so it looks at
/// `Limits.streamsATick` of them, and at those of a connection again once all others had their turn. A stream's clock rings
/// later by one tick for each so many streams that the loop has.
struct StreamVisits {
    /// Streams that were there in the last tick, and in this one so far.
    private var streams = 0
    private var counted = 0
    /// How many more are looked at in this tick.
    private var left = Limits.streamsATick

    /// The loop's clock moves on.
    mutating func tickBegan() {
        streams = counted
        counted = 0
        left = Limits.streamsATick
    }

    /// Whether a connection's streams are looked at now, which were looked at in the tick `last`. Asked once a tick of each
    /// connection.
    mutating func take(_ count: Int, last: UInt32, at tick: UInt32) -> Bool {
        counted += count
        let rounds = UInt32(clamping: streams / Limits.streamsATick)
        guard count > 0, left > 0, tick &- last > rounds else { return false }
        left -= count
        return true
    }
}
