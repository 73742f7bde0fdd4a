/// A day of the Gregorian calendar in UTC, as a person writes it.
///
/// Our own, because a formatter of Foundation costs more than the rest of a response, and event loops may not block on
/// it.
package struct CivilDate: Equatable, Sendable {
    /// The year, negative before the year 0.
    package let year: Int64
    /// The month, 1 to 12.
    package let month: Int
    /// The day of the month, 1 to 31.
    package let day: Int
    /// The day of the week, 0 for Sunday to 6 for Saturday.
    package let weekday: Int

    /// The day that lies `days` after 1970-01-01, or before it where `days` is negative.
    ///
    /// The calendar repeats every 400 years, which are 146,097 days. Years are counted from 1 March here, so that a leap
    /// day is the last day of its year and every month before it begins on the same day of the year.
    package init(daysSinceEpoch days: Int64) {
        let daysSinceMarchOfYear0 = days + 719_468
        let (era, dayOfEra) = daysSinceMarchOfYear0.dividedRoundingDown(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        // 1970-01-01 was a Thursday.
        weekday = Int((days + 4).dividedRoundingDown(by: 7).remainder)
    }
}

extension Int64 {
    /// The quotient rounded down and the remainder, which is never negative. `divisor` is positive.
    package func dividedRoundingDown(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
