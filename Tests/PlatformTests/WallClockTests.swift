import Foundation
import Platform
import Testing

@Suite struct WallClockTests {
    @Test("The wall clock counts nanoseconds since 1970")
    func epoch() {
        let before = Date().timeIntervalSince1970
        let now = Double(WallClock.nanoseconds) / 1e9
        let after = Date().timeIntervalSince1970
        #expect(now >= before - 0.001)
        #expect(now <= after + 0.001)
    }
}
