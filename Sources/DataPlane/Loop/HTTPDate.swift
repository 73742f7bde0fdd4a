import Gatekeeper

/// The preferred form of an HTTP date, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// 29 bytes of ASCII for an instant between the years 1970 and 9999.
    static func bytes(secondsSinceEpoch: Int64) -> [UInt8] {
        let seconds = min(max(secondsSinceEpoch, 0), 253_402_300_799)
        let date = CivilDate(daysSinceEpoch: seconds / 86_400)
        let time = Int(seconds % 86_400)
        let day = "\(weekdays[date.weekday]), \(two(date.day)) \(months[date.month - 1]) \(date.year)"
        return Array("\(day) \(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60)) GMT".utf8)
    }

    private static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
