import Gatekeeper
import JOSE
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct KeySetMachinePropertyTests {
    /// What must hold after every event, whatever came before.
    private struct Checked {
        var driven = DrivenMachine()
        var waiting: Set<KeyID> = []
        var isFlying = false
        var unknownFetches: [ContinuousClock.Instant] = []
        var failures: [String] = []

        mutating func take(_ actions: [KeySetMachine.Action]) {
            let publishedBefore = driven.published.count
            for action in actions {
                switch action {
                case .fetch(_, let priority):
                    if isFlying { failures.append("two flights") }
                    isFlying = true
                    if priority.forUnknownKey { unknownFetches.append(driven.now.monotonic) }
                case .resume(let kid, let answer):
                    if waiting.remove(kid) == nil { failures.append("\(kid) answered without waiting") }
                    let holds = driven.machine.holds(kid, at: driven.now.wall)
                    if holds != (answer == .present) {
                        failures.append("\(kid) hears \(answer), holds is \(holds)")
                    }
                case .publish(let keys):
                    if keys.keySet.keys.isEmpty { failures.append("an empty set is published") }
                case .wake(let time):
                    if time < driven.now.monotonic - .seconds(1) { failures.append("a wake-up in the past") }
                case .update, .withdraw: break
                }
            }
            driven.take(actions)
            if driven.published.count > publishedBefore + 1 { failures.append("published twice") }
            if waiting.count != driven.machine.waitingKeys { failures.append("waiting keys are miscounted") }
            if isFlying != driven.machine.isFetching { failures.append("flights are miscounted") }
            if driven.machine.rememberedUnknownKeys > 64 {
                failures.append("too many unknown keys remembered")
            }
            if !waiting.isEmpty, !isFlying, driven.wakeAt == nil {
                failures.append("somebody waits for nothing")
            }
            if !isFlying, !waiting.isEmpty, driven.untilWake > .seconds(1) {
                failures.append("the wait is too long")
            }
        }

        mutating func want(_ text: String) {
            let kid = TestKeys.kid(text)
            switch driven.machine.keyWanted(kid, at: driven.now) {
            case .known(let answer):
                let holds = driven.machine.holds(kid, at: driven.now.wall)
                if holds != (answer == .present) { failures.append("\(kid) hears \(answer) at once") }
                if answer == .absent, driven.machine.lastSuccess == nil {
                    failures.append("absent without a set")
                }
            case .waiting(let actions):
                waiting.insert(kid)
                take(actions)
            }
        }

        mutating func end(_ result: KeyFetchResult, jitter: Double) {
            isFlying = false
            take(driven.machine.fetchEnded(driven.ticket, result, at: driven.now, jitter: jitter))
        }
    }

    @Test(
        "Whatever happens: one flight, every wait ends once, the unknownKeyRate holds",
        arguments: 1...60 as ClosedRange<UInt64>)
    func randomEvents(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sets = try [["a"], ["a", "b"], ["b"], ["b", "c", "d"], ["d"]].map { try TestKeys.set(of: $0) }
        var checked = Checked()
        let began = checked.driven.now.monotonic
        checked.take(checked.driven.machine.started())
        for step in 0..<1_500 {
            switch UInt64.random(in: 0..<12, using: &random) {
            case 0...4:
                let kids = ["a", "b", "c", "d", "junk\(UInt64.random(in: 0..<200, using: &random))", "x"]
                checked.want(kids.randomElement(using: &random) ?? "a")
            case 5, 6:
                guard checked.isFlying, let set = sets.randomElement(using: &random) else { continue }
                let fresh = [nil, 0, 600, 100_000].randomElement(using: &random) ?? nil
                checked.end(
                    .success(FetchedKeys(keySet: set, freshSeconds: fresh)),
                    jitter: .random(in: 0..<1, using: &random))
            case 7:
                guard checked.isFlying else { continue }
                checked.end(.failure(.status(500)), jitter: .random(in: 0..<1, using: &random))
            case 8:
                checked.driven.pass(.milliseconds(Int64.random(in: 0..<3_000, using: &random)))
            case 9:
                if UInt64.random(in: 0..<10, using: &random) == 0 {
                    checked.driven.pass(.seconds(Int64.random(in: 0..<100_000, using: &random)))
                }
            case 10:
                guard let wake = checked.driven.wakeAt, wake <= checked.driven.now.monotonic else { continue }
                checked.take(checked.driven.machine.timerFired(at: checked.driven.now))
            default:
                if UInt64.random(in: 0..<8, using: &random) == 0 {
                    checked.take(checked.driven.machine.refreshWanted().actions)
                } else if let kid = checked.waiting.randomElement(using: &random) {
                    checked.waiting.remove(kid)
                    checked.driven.machine.waitEnded(kid)
                }
            }
            // Time that passed without the timer is made up for, as the actor's timer would.
            if let wake = checked.driven.wakeAt, wake <= checked.driven.now.monotonic {
                checked.take(checked.driven.machine.timerFired(at: checked.driven.now))
            }
            try #require(checked.failures.isEmpty, "seed \(seed), step \(step): \(checked.failures)")
        }
        let elapsed = began.duration(to: checked.driven.now.monotonic)
        #expect(Double(checked.unknownFetches.count) <= 3 + elapsed / .seconds(10))
        for (index, time) in checked.unknownFetches.enumerated() where index >= 3 {
            #expect(checked.unknownFetches[index - 3].duration(to: time) > .zero)
        }
    }
}
