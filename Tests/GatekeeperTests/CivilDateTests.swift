import Gatekeeper
import Testing

@Suite struct CivilDateTests {
    @Test(
        "A day since 1970 has the year, month, day and weekday of the calendar",
        arguments: [
            (0, 1970, 1, 1, 4),
            (-1, 1969, 12, 31, 3),
            (11_016, 2000, 2, 29, 2),
            (11_017, 2000, 3, 1, 3),
            (47_540, 2100, 2, 28, 0),
            (47_541, 2100, 3, 1, 1),
            (2_932_896, 9999, 12, 31, 5),
            (-719_468, 0, 3, 1, 3),
            (-719_529, -1, 12, 31, 5),
        ] as [(Int64, Int64, Int, Int, Int)])
    func day(days: Int64, year: Int64, month: Int, day: Int, weekday: Int) {
        let date = CivilDate(daysSinceEpoch: days)
        #expect(date.year == year)
        #expect(date.month == month)
        #expect(date.day == day)
        #expect(date.weekday == weekday)
    }

    @Test("Each day of 800 years follows the day before it")
    func succession() {
        var before = CivilDate(daysSinceEpoch: -1)
        for days in Int64(0)..<292_194 {
            let date = CivilDate(daysSinceEpoch: days)
            let isLeap = before.year % 4 == 0 && (before.year % 100 != 0 || before.year % 400 == 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            let follows =
                if before.day < lengths[before.month - 1] {
                    date.year == before.year && date.month == before.month && date.day == before.day + 1
                } else if before.month < 12 {
                    date.year == before.year && date.month == before.month + 1 && date.day == 1
                } else {
                    date.year == before.year + 1 && date.month == 1 && date.day == 1
                }
            guard follows, date.weekday == (before.weekday + 1) % 7 else {
                Issue.record("\(date) follows \(before)")
                return
            }
            before = date
        }
    }
}
