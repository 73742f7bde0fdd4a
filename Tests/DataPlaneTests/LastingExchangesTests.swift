import Gatekeeper
import TestSupport
import Testing

@testable import DataPlane

/// Everything that lasts is judged anew at each change, whatever ends meanwhile, and never too many at once.
@Suite struct LastingExchangesTests {
    final class Call: LastingExchange {
        var reviews = 0
        func review(at now: Instant) { reviews += 1 }
    }

    /// Takes what is due, and judges it.
    static func review(_ all: inout LastingExchanges, atMost count: Int) {
        let taken = all.next(atMost: count)
        #expect(taken.count <= count)
        for call in taken { call.review(at: Instant(nanoseconds: 0)) }
    }

    @Test("A change is told to all, some at a time")
    func change() {
        var all = LastingExchanges()
        let calls = (0..<10).map { _ in Call() }
        for call in calls { all.began(call) }
        #expect(!all.isUrgent)
        all.rowsChanged()
        for left in [true, true, true, false] {
            Self.review(&all, atMost: 3)
            #expect(all.isUrgent == left)
        }
        #expect(calls.allSatisfy { $0.reviews == 1 })
    }

    @Test("A change during a pass has all judged once more behind it")
    func changeDuringPass() {
        var all = LastingExchanges()
        let calls = (0..<4).map { _ in Call() }
        for call in calls { all.began(call) }
        all.rowsChanged()
        Self.review(&all, atMost: 3)
        all.rowsChanged()
        all.rowsChanged()
        for _ in 0..<3 { Self.review(&all, atMost: 3) }
        #expect(!all.isUrgent)
        #expect(calls.allSatisfy { $0.reviews == 2 })
    }

    @Test("Time comes to all in turn")
    func time() {
        var all = LastingExchanges()
        let calls = (0..<7).map { _ in Call() }
        for call in calls { all.began(call) }
        for _ in 0..<4 {
            all.timePassed()
            Self.review(&all, atMost: 4)
        }
        #expect(calls.allSatisfy { $0.reviews == 2 })
    }

    @Test(
        "None that lasts is left out, whichever end or begin meanwhile", arguments: 0..<200 as Range<UInt64>)
    func chance(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var all = LastingExchanges()
        var calls = (0..<Int.random(in: 0...40, using: &random)).map { _ in Call() }
        for call in calls { all.began(call) }
        all.rowsChanged()
        let before = calls
        while all.isUrgent {
            Self.review(&all, atMost: Int.random(in: 1...5, using: &random))
            for _ in 0..<Int.random(in: 0...3, using: &random) where !calls.isEmpty {
                all.ended(calls.remove(at: Int.random(in: 0..<calls.count, using: &random)))
            }
            if Bool.random(using: &random) {
                calls.append(Call())
                all.began(calls[calls.count - 1])
            }
            #expect(all.count == calls.count)
        }
        let lasting = Set(calls.map(ObjectIdentifier.init))
        #expect(before.allSatisfy { $0.reviews > 0 || !lasting.contains(ObjectIdentifier($0)) })
    }

    @Test("Where nothing lasts, no change is urgent")
    func nothing() {
        var all = LastingExchanges()
        let call = Call()
        all.began(call)
        all.ended(call)
        all.rowsChanged()
        #expect(!all.isUrgent)
        #expect(all.next(atMost: 3).isEmpty)
    }
}
