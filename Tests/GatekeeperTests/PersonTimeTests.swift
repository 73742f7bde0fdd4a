import Gatekeeper
import Testing

@Suite struct PersonTimeTests {
    /// 2026-11-26T05:37:00.250Z
    private let now = Instant(nanoseconds: 1_795_671_420_250_000_000)

    @Test(
        "A time says how far it is from now, in the units that a person would use",
        arguments: [
            (0, "2026-11-26T05:37:00Z (now)"),
            (1, "2026-11-26T05:37:01Z (in 1 s)"),
            (59, "2026-11-26T05:37:59Z (in 59 s)"),
            (60, "2026-11-26T05:38:00Z (in 1 min)"),
            (23 * 60, "2026-11-26T06:00:00Z (in 23 min)"),
            (-5 * 60, "2026-11-26T05:32:00Z (5 min ago)"),
            (3_599, "2026-11-26T06:36:59Z (in 59 min)"),
            (3_600, "2026-11-26T06:37:00Z (in 1 h)"),
            (-4_320, "2026-11-26T04:25:00Z (1 h 12 min ago)"),
            (172_799, "2026-11-28T05:36:59Z (in 47 h 59 min)"),
            (-172_800, "2026-11-24T05:37:00Z (2 days ago)"),
            (729 * 86_400, "2028-11-24T05:37:00Z (in 729 days)"),
            (730 * 86_400, "2028-11-25T05:37:00Z (in 2 years)"),
        ] as [(Int64, String)])
    func distance(seconds: Int64, text: String) {
        #expect(PersonTime(now.advanced(bySeconds: seconds), now: now).description == text)
    }

    @Test("Less than a second away is now, on either side")
    func fractions() {
        let near = Instant(nanoseconds: now.nanoseconds + 999_999_999)
        #expect(PersonTime(near, now: now).distance == "now")
        #expect(PersonTime(now, now: near).distance == "now")
    }

    @Test("The first and the last instant that there are can be told")
    func bounds() {
        #expect(PersonTime(.distantFuture, now: now).description == "2262-04-11T23:47:16Z (in 235 years)")
        #expect(PersonTime(.distantPast, now: now).distance == "292 years ago")
    }

    @Test("Machines read milliseconds, before 1970 too")
    func machines() {
        #expect(now.timestamp == "2026-11-26T05:37:00.250Z")
        #expect(Instant(nanoseconds: -1).timestamp == "1969-12-31T23:59:59.999Z")
    }
}
