import Testing

@testable import ControlPlane

@Suite struct BackoffTests {
    private let backoff = Backoff(shortest: .seconds(1), longest: .seconds(30))

    @Test(
        "The pause doubles with every failure up to its bound",
        arguments: [(0, 1), (1, 1), (2, 2), (5, 16), (6, 30), (1_000_000, 30)])
    func pause(failures: Int, seconds: Int) {
        #expect(backoff.pause(afterFailures: failures, jitter: 0.5) == .seconds(seconds))
    }

    @Test("The random part shortens or lengthens the pause by up to a quarter")
    func jitter() {
        #expect(backoff.pause(afterFailures: 1, jitter: 0) == .milliseconds(750))
        #expect(backoff.pause(afterFailures: 1, jitter: 0.999_999) < .milliseconds(1_250))
    }
}
