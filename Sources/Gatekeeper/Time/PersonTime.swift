/// An instant as a person reads it: the time, and how far it is from now.
///
/// `2026-11-26T06:00:00Z (in 23 min)`, `2026-11-26T05:30:00Z (5 min ago)`.
package struct PersonTime: Sendable, CustomStringConvertible {
    private let instant: Instant
    private let now: Instant

    /// An instant, read at `now`.
    package init(_ instant: Instant, now: Instant) {
        self.instant = instant
        self.now = now
    }

    /// The time as RFC 3339 writes it, to the second, and the distance.
    package var description: String { "\(instant.timestampOfSecond) (\(distance))" }

    /// How far the instant is from now: `now`, `in 23 min`, `5 min ago`.
    package var distance: String {
        if instant <= now {
            // All that instants have room for, where it is more than a number of nanoseconds has.
            let seconds = min(now.seconds(since: instant), Int64.max / 1_000_000_000)
            return seconds == 0 ? "now" : "\(PersonTime.span(seconds)) ago"
        }
        let seconds = instant.seconds(since: now)
        return seconds == 0 ? "now" : "in \(PersonTime.span(seconds))"
    }

    /// A span in the units that a person would use, rounded down: `59 s`, `23 min`, `1 h 12 min`, `3 days`, `2 years`.
    ///
    /// `seconds` is not negative.
    package static func span(_ seconds: Int64) -> String {
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400)
        if minutes < 1 { return "\(seconds) s" }
        if hours < 1 { return "\(minutes) min" }
        if days < 2 { return minutes % 60 == 0 ? "\(hours) h" : "\(hours) h \(minutes % 60) min" }
        return days < 2 * 365 ? "\(days) days" : "\(days / 365) years"
    }
}
