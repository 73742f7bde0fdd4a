import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane

/// A machine with clocks that are moved by hand, and a record of what it asked for.
struct DrivenMachine {
    var machine = KeySetMachine()
    var now = KeySetMachine.Moment(monotonic: .now, wall: Instant(seconds: 1_800_000_000))
    var fetches = 0
    var ticket: UInt64 = 0
    var priority = FetchPriority()
    var wakeAt: ContinuousClock.Instant?
    var published: [PublishedKeys] = []
    var withdrawn: [KeyID] = []
    var answers: [KeyID: [KeyLookupResult]] = [:]

    mutating func pass(_ duration: Duration) {
        let nanoseconds = Int64(duration / .nanoseconds(1))
        now = KeySetMachine.Moment(
            monotonic: now.monotonic + duration,
            wall: Instant(nanoseconds: now.wall.nanoseconds + nanoseconds))
    }

    mutating func take(_ actions: [KeySetMachine.Action]) {
        for action in actions {
            switch action {
            case .fetch(let ticket, let priority):
                fetches += 1
                self.ticket = ticket
                self.priority = priority
            case .update(let priority): self.priority = priority
            case .publish(let keys): published.append(keys)
            case .withdraw(let kids): withdrawn += kids
            case .resume(let kid, let answer): answers[kid, default: []].append(answer)
            case .wake(let time): wakeAt = time
            }
        }
    }

    mutating func start() { take(machine.started()) }

    /// What the request hears at once; nil where it waits.
    mutating func want(_ kid: String) -> KeyLookupResult? {
        switch machine.keyWanted(TestKeys.kid(kid), at: now) {
        case .known(let answer): return answer
        case .waiting(let actions):
            take(actions)
            return nil
        }
    }

    mutating func end(_ result: KeyFetchResult, jitter: Double = 0.5) {
        take(machine.fetchEnded(ticket, result, at: now, jitter: jitter))
    }

    mutating func fail(jitter: Double = 0.5) { end(.failure(.status(503)), jitter: jitter) }

    /// Moves the clocks to the time that the machine wants to be woken at, and wakes it.
    mutating func wake() {
        guard let wakeAt else { return }
        pass(max(.zero, now.monotonic.duration(to: wakeAt)))
        take(machine.timerFired(at: now))
    }

    var untilWake: Duration { wakeAt.map { now.monotonic.duration(to: $0) } ?? .zero }

    /// A machine that has just fetched these keys.
    static func ready(_ kids: String...) throws -> DrivenMachine {
        var driven = DrivenMachine()
        driven.start()
        driven.end(.success(FetchedKeys(keySet: try TestKeys.set(of: kids), freshSeconds: nil)))
        return driven
    }
}

@Suite struct KeySetMachineTests {
    @Test("A new pool fetches ahead of the first request, once")
    func fetchAhead() throws {
        var driven = DrivenMachine()
        driven.start()
        #expect(driven.fetches == 1)
        #expect(!driven.priority.requestsWait)
        driven.start()
        #expect(driven.fetches == 1)
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.published.count == 1)
        #expect(driven.want("a") == .present)
    }

    @Test("A request during the first fetch hastens it and hears its result")
    func requestDuringFirstFetch() throws {
        var driven = DrivenMachine()
        driven.start()
        #expect(driven.want("a") == nil)
        #expect(driven.priority.requestsWait)
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.answers[TestKeys.kid("a")] == [.present])
        #expect(driven.fetches == 1)
    }

    @Test(
        "max-age is a hint within 5 minutes and 1 hour, and the refresh comes ahead of it",
        arguments: [
            (0, 300), (299, 300), (300, 300), (301, 301), (3_600, 3_600), (3_601, 3_600), (1 << 31, 3_600),
        ])
    func refreshTime(fresh: Int, life: Int) throws {
        for (jitter, part) in [(0.0, 0.8), (0.999, 0.95)] {
            var driven = DrivenMachine()
            driven.start()
            driven.end(try TestKeys.fetched("a", fresh: fresh), jitter: jitter)
            let expected = Double(life) * part
            #expect(abs(driven.untilWake / .seconds(1) - expected) < 0.01 * expected)
            driven.wake()
            #expect(driven.fetches == 2)
            #expect(!driven.priority.forUnknownKey)
        }
    }

    @Test("After failures it tries again after 1, 2, 4 … 30 s")
    func backOff() throws {
        var driven = DrivenMachine()
        driven.start()
        for seconds in [1, 2, 4, 8, 16, 30, 30] as [Double] {
            driven.fail(jitter: 0.5)
            #expect(abs(driven.untilWake / .seconds(1) - seconds) < 0.01)
            driven.wake()
            #expect(driven.priority.lastFetchFailed)
        }
        driven.end(try TestKeys.fetched("a"))
        driven.wake()
        #expect(!driven.priority.lastFetchFailed)
        driven.fail()
        #expect(driven.untilWake <= .milliseconds(1_250))
    }

    @Test("A waiting request brings the next attempt forward to 1 s after the last one, not further")
    func broughtForward() throws {
        var driven = DrivenMachine()
        driven.start()
        for _ in 0..<6 {
            driven.fail()
            driven.wake()
        }
        driven.fail()
        let fetches = driven.fetches
        driven.pass(.milliseconds(300))
        #expect(driven.want("a") == nil)
        #expect(driven.fetches == fetches)
        #expect(driven.untilWake == .milliseconds(700))
        driven.wake()
        #expect(driven.fetches == fetches + 1)
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.answers[TestKeys.kid("a")] == [.present])
    }

    @Test("A cold pool whose endpoint fails answers unavailable, never absent")
    func coldFailure() {
        var driven = DrivenMachine()
        driven.start()
        #expect(driven.want("a") == nil)
        driven.fail()
        #expect(driven.answers[TestKeys.kid("a")] == [.unavailable])
    }

    @Test("Failures keep the last good keys for 24 hours since the last success and not a second longer")
    func hardCap() throws {
        var driven = try DrivenMachine.ready("a")
        #expect(driven.published[0].usableUntil == driven.now.wall.advanced(bySeconds: 86_400))
        driven.wake()
        driven.fail()
        let left = driven.published[0].usableUntil.nanoseconds - driven.now.wall.nanoseconds
        driven.pass(.nanoseconds(left - 1))
        #expect(driven.want("a") == .present)
        driven.pass(.nanoseconds(1))
        #expect(driven.want("a") == nil)
        driven.wake()
        driven.fail()
        #expect(driven.answers[TestKeys.kid("a")] == [.unavailable])
        #expect(driven.published.count == 1)
    }

    @Test("300 junk kids in sequence cause at most 3 fetches, and each hears absent")
    func junkInSequence() throws {
        var driven = try DrivenMachine.ready("a")
        let before = driven.fetches
        for number in 0..<300 {
            let heard = driven.want("junk\(number)")
            if heard == nil {
                driven.end(try TestKeys.fetched("a"))
                #expect(driven.answers[TestKeys.kid("junk\(number)")] == [.absent])
            } else {
                #expect(heard == .absent)
            }
            driven.pass(.milliseconds(10))
        }
        #expect(driven.fetches - before == 3)
        #expect(driven.machine.rememberedUnknownKeys <= 64)
    }

    @Test("1,000 requests for one unknown kid cause one fetch on an idle pool")
    func concurrentUnknown() throws {
        var driven = try DrivenMachine.ready("a")
        for _ in 0..<1_000 { #expect(driven.want("b") == nil) }
        #expect(driven.fetches == 2)
        #expect(driven.priority.forUnknownKey)
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.answers[TestKeys.kid("b")] == [.absent])
        #expect(driven.fetches == 2)
        #expect(driven.want("b") == .absent)
    }

    @Test(
        "An answer under way when the kid was asked for counts if it holds the kid, and leads to one more if not"
    )
    func askedDuringFetch() throws {
        for holds in [true, false] {
            var driven = try DrivenMachine.ready("a")
            driven.wake()
            #expect(driven.want("b") == nil)
            driven.end(holds ? try TestKeys.fetched("a", "b") : try TestKeys.fetched("a"))
            if holds {
                #expect(driven.answers[TestKeys.kid("b")] == [.present])
                #expect(driven.fetches == 2)
            } else {
                #expect(driven.answers[TestKeys.kid("b")] == nil)
                #expect(driven.fetches == 3)
                driven.end(try TestKeys.fetched("a"))
                #expect(driven.answers[TestKeys.kid("b")] == [.absent])
                #expect(driven.fetches == 3)
            }
        }
    }

    @Test("Junk kids repeated for ever leave one fetch for a key that really is new")
    func rotationUnderJunk() throws {
        var driven = try DrivenMachine.ready("a")
        let junk = ["junk0", "junk1"]
        for kid in junk {
            #expect(driven.want(kid) == nil)
            driven.end(try TestKeys.fetched("a"))
        }
        for _ in 0..<2_000 {
            for kid in junk where driven.want(kid) == nil { driven.end(try TestKeys.fetched("a")) }
            driven.pass(.milliseconds(101))
            if driven.untilWake <= .zero {
                driven.wake()
                driven.end(try TestKeys.fetched("a"))
            }
            var probe = driven
            #expect(probe.want("new") == nil)
        }
        #expect(driven.want("new") == nil)
        driven.end(try TestKeys.fetched("a", "new"))
        #expect(driven.answers[TestKeys.kid("new")] == [.present])
    }

    @Test("The unknownKeyRate regains one fetch every 10 s")
    func bucketRegains() throws {
        var driven = try DrivenMachine.ready("a")
        for number in 0..<3 {
            #expect(driven.want("junk\(number)") == nil)
            driven.end(try TestKeys.fetched("a"))
        }
        #expect(driven.want("x") == .absent)
        driven.pass(.milliseconds(9_999))
        #expect(driven.want("x") == .absent)
        driven.pass(.milliseconds(1))
        #expect(driven.want("x") == nil)
    }

    @Test("An unknown kid whose fetch failed hears unavailable, damped or not, until a fetch succeeds")
    func unknownWhileFailing() throws {
        var driven = try DrivenMachine.ready("a")
        #expect(driven.want("b") == nil)
        driven.fail()
        #expect(driven.answers[TestKeys.kid("b")] == [.unavailable])
        #expect(driven.want("a") == .present)
        var heard: [KeyLookupResult?] = []
        for number in 0..<5 {
            heard.append(driven.want("c\(number)"))
            if heard.last == .some(nil) {
                driven.wake()
                driven.fail()
            }
        }
        #expect(heard.contains(.unavailable))
        #expect(!heard.contains(.absent))
    }

    @Test("A key missing once stays; missing again 30 s later it goes; seen in between it stays")
    func withdrawal() throws {
        var driven = try DrivenMachine.ready("a", "b")
        driven.wake()
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.want("b") == .present)
        #expect(driven.untilWake == .seconds(30))
        driven.wake()
        driven.end(try TestKeys.fetched("a", "b"))
        #expect(driven.untilWake > .seconds(30))
        driven.wake()
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.want("b") == .present)
        driven.wake()
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.withdrawn == [TestKeys.kid("b")])
        #expect(driven.want("b") == nil)
        #expect(driven.published.last?.keySet[TestKeys.kid("b")] == nil)
    }

    @Test("Answers of a stale edge within 30 s do not withdraw the new key; a person's second refresh does")
    func staleEdge() throws {
        var driven = try DrivenMachine.ready("old", "new")
        for number in 0..<3 {
            #expect(driven.want("junk\(number)") == nil)
            driven.end(try TestKeys.fetched("old"))
            driven.pass(.seconds(5))
        }
        #expect(driven.want("new") == .present)
        driven.take(driven.machine.refreshWanted().actions)
        driven.end(try TestKeys.fetched("old"))
        #expect(driven.withdrawn == [TestKeys.kid("new")])
    }

    @Test("A key that comes back with another modulus replaces the old one; an equal one is kept")
    func sameKeyIDs() throws {
        var driven = try DrivenMachine.ready("a", "b")
        let before = driven.published[0].keySet
        driven.wake()
        driven.end(.success(FetchedKeys(keySet: try TestKeys.set("a", "b"), freshSeconds: nil)))
        let same = try #require(driven.published.last).keySet
        #expect(same[TestKeys.kid("a")] === before[TestKeys.kid("a")])
        driven.wake()
        driven.end(.success(FetchedKeys(keySet: try TestKeys.set("a", "b", variant: 1), freshSeconds: nil)))
        let other = try #require(driven.published.last).keySet
        #expect(other[TestKeys.kid("a")] !== before[TestKeys.kid("a")])
        #expect(other.keys.count == 2)
        #expect(driven.withdrawn.isEmpty)
    }

    @Test("A scheduled refresh that comes due behind an unknown kid's fetch takes it out of the slow line")
    func scheduledUpgrade() throws {
        var driven = try DrivenMachine.ready("a")
        let due = try #require(driven.wakeAt)
        driven.pass(driven.untilWake - .seconds(2))
        #expect(driven.want("junk") == nil)
        #expect(driven.priority.forUnknownKey)
        #expect(driven.wakeAt == due)
        driven.wake()
        #expect(!driven.priority.forUnknownKey)
        #expect(driven.fetches == 2)
    }

    @Test("A person's refresh begins at once, and again after a fetch that was already under way")
    func manualRefresh() throws {
        var driven = try DrivenMachine.ready("a")
        var wanted = driven.machine.refreshWanted()
        driven.take(wanted.actions)
        #expect(driven.fetches == 2)
        #expect(driven.ticket == wanted.ticket)
        wanted = driven.machine.refreshWanted()
        driven.take(wanted.actions)
        #expect(driven.fetches == 2)
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.fetches == 3)
        #expect(driven.ticket == wanted.ticket)
        #expect(driven.priority.requestsWait)
    }

    @Test("A result with an outdated ticket changes nothing")
    func outdatedTicket() throws {
        var driven = try DrivenMachine.ready("a")
        driven.take(driven.machine.fetchEnded(77, try TestKeys.fetched("z"), at: driven.now, jitter: 0))
        #expect(driven.want("a") == .present)
        #expect(driven.published.count == 1)
    }

    @Test(
        "A wall clock that jumps a day ahead makes one request wait for one fetch, and back it does nothing")
    func clockJump() throws {
        var driven = try DrivenMachine.ready("a")
        let before = driven.now
        driven.now = KeySetMachine.Moment(
            monotonic: before.monotonic, wall: before.wall.advanced(bySeconds: 90_000))
        #expect(driven.want("a") == nil)
        #expect(driven.fetches == 2)
        driven.end(try TestKeys.fetched("a"))
        #expect(driven.answers[TestKeys.kid("a")] == [.present])
        driven.now = KeySetMachine.Moment(
            monotonic: before.monotonic, wall: before.wall.advanced(bySeconds: -90_000))
        #expect(driven.want("a") == .present)
        #expect(driven.fetches == 2)
    }
}
