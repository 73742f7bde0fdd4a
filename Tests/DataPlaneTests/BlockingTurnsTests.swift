import Gatekeeper
import NIOCore
import Testing

@testable import DataPlane

/// Turns that expectations can call, and a clock that the test drives.
private final class Turns {
    private var turns = BlockingTurns<String, Int>()
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private(set) var begun: [String] = []

    var count: Int { turns.count }
    var hasWaiting: Bool { turns.hasWaiting }

    /// What is said to a request of `tenant`, or to somebody who makes it anew.
    @discardableResult
    func ask(_ key: String, for tenant: String?, waiter: Int = 0) -> String {
        switch turns.ask(key, for: tenant.flatMap(HostPattern.init), waiter, at: now) {
        case .wait: "wait"
        case .failed: "failed"
        case .full: "full"
        }
    }

    /// Begins whatever may begin now.
    @discardableResult
    func begin() -> [String] {
        var started: [String] = []
        while let key = turns.next(at: now) { started.append(key) }
        begun += started
        return started
    }

    @discardableResult
    func end(_ key: String, fails: Bool = false) -> [Int] {
        turns.ended(key, error: fails ? BlockingWorkFailure.full : nil, at: now)
    }

    func pass(_ time: TimeAmount) { now = now + time }
}

@Suite struct BlockingTurnsTests {
    @Test("The same key is worked on once for all who ask, and all of them hear of its end")
    func once() {
        let turns = Turns()
        for waiter in 1...5 { #expect(turns.ask("name", for: "t\(waiter)", waiter: waiter) == "wait") }
        #expect(turns.begin() == ["name"])
        #expect(turns.ask("name", for: "late", waiter: 6) == "wait")
        #expect(turns.begin().isEmpty)
        #expect(turns.end("name") == [1, 2, 3, 4, 5, 6])
        #expect(turns.count == 0)
        // Whatever stood in line for it more than once begins nothing of its own.
        #expect(turns.begin().isEmpty && !turns.hasWaiting)
    }

    @Test("A tenant has two threads at most, whatever it asks for; others begin at once")
    func shares() {
        let turns = Turns()
        for number in 0..<40 { turns.ask("loud\(number)", for: "loud") }
        #expect(turns.begin() == ["loud0", "loud1"])
        turns.ask("quiet", for: "quiet")
        #expect(turns.begin() == ["quiet"])
        turns.end("loud0")
        #expect(turns.begin() == ["loud2"])
    }

    @Test("A key that two tenants wait for counts for the one that has a thread left")
    func joined() {
        let turns = Turns()
        for key in ["a", "b", "shared"] { turns.ask(key, for: "loud") }
        turns.begin()
        #expect(turns.hasWaiting)
        turns.ask("shared", for: "quiet")
        #expect(turns.begin() == ["shared"])
    }

    @Test(
        "Names that hang leave threads to those that do not, however many tenants they are of",
        arguments: [40, 90])
    func hanging(count: Int) {
        let turns = Turns()
        for number in 0..<count { turns.ask("mute\(number)", for: "t\(number)") }
        #expect(turns.begin().count == Limits.requestThreads)
        for _ in 0..<4 {
            turns.pass(Limits.slowWork)
            turns.begin()
        }
        #expect(turns.count == count)
        turns.ask("fresh", for: "fresh")
        #expect(turns.begin() == ["fresh"])
    }

    @Test("Their number has a bound, beyond which everybody waits")
    func bound() {
        let turns = Turns()
        for number in 0..<400 { turns.ask("mute\(number)", for: "t\(number)") }
        for _ in 0..<20 {
            turns.begin()
            turns.pass(Limits.slowWork)
        }
        #expect(turns.count == Limits.requestThreads + Limits.hangingThreads)
        #expect(turns.hasWaiting)
    }

    @Test("What took long the last time is done apart, and takes no thread from what did not")
    func slow() {
        let turns = Turns()
        let names = (0..<90).map { "slow\($0)" }
        for batch in 0..<3 {
            let batch = names[(batch * 30)..<(batch * 30 + 30)]
            for name in batch { turns.ask(name, for: name) }
            #expect(turns.begin().count == 30)
            turns.pass(.seconds(2))
            for name in batch { turns.end(name, fails: name.hasSuffix("1")) }
        }
        turns.pass(Limits.failedWorkAge)
        for name in names { turns.ask(name, for: name) }
        turns.ask("fresh", for: "fresh")
        let begun = turns.begin()
        #expect(begun.contains("fresh"))
        #expect(begun.count == 1 + Limits.slowThreads)
    }

    @Test("A failure is said at once for a second, then the work is done again")
    func failure() {
        let turns = Turns()
        turns.ask("name", for: "t")
        turns.begin()
        turns.end("name", fails: true)
        #expect(turns.ask("name", for: "t") == "failed")
        #expect(turns.ask("name", for: "other") == "failed")
        turns.pass(Limits.failedWorkAge)
        #expect(turns.ask("name", for: "t") == "wait")
        turns.begin()
        turns.end("name")
        #expect(turns.ask("name", for: "t") == "wait")
    }

    @Test("What is made anew waits with its like, until a request needs it")
    func renewal() {
        let turns = Turns()
        for number in 0..<20 { turns.ask("old\(number)", for: nil) }
        #expect(turns.begin().count == Limits.renewalThreads)
        turns.ask("old19", for: "t", waiter: 7)
        #expect(turns.begin() == ["old19"])
        #expect(turns.end("old19") == [0, 7])
        for number in 0..<Limits.renewalThreads { turns.end("old\(number)") }
        while turns.hasWaiting { for key in turns.begin() { turns.end(key) } }
        #expect(turns.begun.count == 20 && Set(turns.begun).count == 20)
    }

    @Test("No more wait than the line holds, nor are more failures remembered than there is room for")
    func lines() {
        let turns = Turns()
        var full = 0
        for number in 0..<Limits.waitingForThread * 2 where turns.ask("k\(number)", for: "t") == "full" {
            full += 1
        }
        #expect(full >= Limits.waitingForThread)
        #expect(turns.ask("another", for: "other") == "wait")
        let failing = Turns()
        for number in 0..<Limits.rememberedWork * 2 {
            failing.ask("k\(number)", for: "t")
            failing.begin()
            failing.end("k\(number)", fails: true)
        }
        #expect(failing.ask("k\(Limits.rememberedWork * 2 - 1)", for: "t") == "failed")
        #expect(failing.ask("k0", for: "t") == "wait")
    }
}
