import Testing

@testable import DataPlane

@Suite struct InterimResponsesTests {
    @Test("Each of a hundred interim responses restarts the wait, and the next one is too many")
    func count() {
        var interim = InterimResponses()
        for tick in 0..<UInt32(100) {
            let wait = interim.came(at: 1_000 + tick * 100)
            #expect(wait == Limits.responseTicks)
        }
        let last = interim.came(at: 20_000)
        #expect(last == nil)
        #expect(interim.count == 101)
    }

    @Test("All of them together may take an hour from the first on")
    func time() {
        var interim = InterimResponses()
        let hour = 3600 * Limits.ticksPerSecond
        let waits = [0, hour - 1_000, hour - 240, hour - 239, hour - 1, hour, hour + 1].map {
            interim.came(at: 7 + $0)
        }
        #expect(waits == [240, 240, 240, 239, 1, 0, 0])
    }
}
