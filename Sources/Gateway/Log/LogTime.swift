import Gatekeeper
import Glibc

extension Instant {
    /// The wall clock now.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let seconds = Instant(seconds: Int64(time.tv_sec)).nanoseconds
        return Instant(nanoseconds: seconds.addingReportingOverflow(Int64(time.tv_nsec)).partialValue)
    }

    /// As RFC 3339 §5.6 writes it, in UTC with milliseconds: `2026-11-23T10:54:00.123Z`.
    var timestamp: String {
        let milliseconds = nanoseconds.quotientFloored(by: 1_000_000)
        let seconds = milliseconds.quotientFloored(by: 1_000)
        let day = seconds.quotientFloored(by: 86_400)
        let (year, month, dayOfMonth) = Instant.civil(day)
        let second = seconds - day * 86_400
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T"
            + "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
            + ".\(padded(milliseconds - seconds * 1_000, 3))Z"
    }

    /// Year, month and day of the `day`-th day after 1970-01-01, by counting in eras of 400 years from a 1 March.
    private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = shifted.quotientFloored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0), civilMonth, dayOfMonth)
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension Int64 {
    /// The quotient rounded down; the divisor is positive.
    fileprivate func quotientFloored(by divisor: Int64) -> Int64 {
        self >= 0 ? self / divisor : (self + 1) / divisor - 1
    }
}
