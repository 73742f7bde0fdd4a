import ControlPlane
import Postgres
import Testing

@testable import Gateway

@Suite struct ReadinessTests {
    private let now = ContinuousClock.now

    private func values(_ change: (inout ReportedState) -> Void = { _ in }) -> ReportedState {
        var values = ReportedState()
        values.loadedAt = now
        values.isProxyOpen = true
        change(&values)
        return values
    }

    private func reason(_ values: ReportedState, _ isFirstPassDone: Bool = true) -> String? {
        switch Readiness(values, isFirstPassDone: isFirstPassDone, at: now) {
        case .ready: nil
        case .unready(let reason): reason
        }
    }

    @Test("Ready means a directory, an open proxy, and the first pass over the keys")
    func readiness() {
        #expect(reason(values()) == nil)
        #expect(reason(values { $0.loadedAt = nil }) == "no tenant directory is loaded yet")
        #expect(reason(values { $0.isProxyOpen = false }) == "the proxy listener is not open yet")
        #expect(reason(values(), false) == "the first pass over the key endpoints is not done yet")
    }

    @Test("A first pass that takes five seconds is waited for no longer")
    func slowFirstPass() {
        #expect(reason(values { $0.loadedAt = now - .milliseconds(4_999) }, false) != nil)
        #expect(reason(values { $0.loadedAt = now - .seconds(5) }, false) == nil)
    }

    @Test("A gateway that stops is not ready, whatever else holds")
    func stopping() {
        #expect(reason(values { $0.isStopping = true }) == "the gateway is stopping")
    }
}

@Suite struct OneShotTests {
    @Test("Whoever waits gets the first value, before and after it came")
    func firstValue() async {
        let value = OneShot<Int>()
        async let early = value.wait()
        value.set(1)
        value.set(2)
        #expect(await early == 1)
        #expect(await value.wait() == 1)
        #expect(value.value == 1)
    }

    @Test("A wait ends with its time, or with its task")
    func endOfWait() async {
        let value = OneShot<Int>()
        #expect(await value.wait(within: .milliseconds(1)) == nil)
        let task = Task { await value.wait() }
        task.cancel()
        #expect(await task.value == nil)
    }
}
