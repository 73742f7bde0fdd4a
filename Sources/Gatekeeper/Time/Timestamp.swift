extension Instant {
    /// As RFC 3339 §5.6 writes it, in UTC with milliseconds: `2026-11-23T10:54:00.123Z`.
    package var timestamp: String {
        let (seconds, nanosecond) = nanoseconds.dividedRoundingDown(by: 1_000_000_000)
        return "\(Instant.written(seconds)).\(Instant.padded(nanosecond / 1_000_000, 3))Z"
    }

    /// The same without milliseconds, rounded down: `2026-11-23T10:54:00Z`.
    package var timestampOfSecond: String {
        "\(Instant.written(nanoseconds.dividedRoundingDown(by: 1_000_000_000).quotient))Z"
    }

    private static func written(_ seconds: Int64) -> String {
        let (days, second) = seconds.dividedRoundingDown(by: 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T"
            + "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
    }

    private static func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
