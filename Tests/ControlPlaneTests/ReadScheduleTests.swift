import Testing

@testable import ControlPlane

@Suite struct ReadScheduleTests {
    private let start = ContinuousClock.now

    /// A schedule that has read everything at `start` and hears itself.
    private func settled() -> ReadSchedule {
        var schedule = ReadSchedule(at: start)
        _ = schedule.next(at: start)
        schedule.readEnded(all: true, at: start, jitter: 0.5)
        schedule.echoSent(at: start)
        _ = schedule.echoHeard(at: start)
        return schedule
    }

    private func after(_ duration: Duration) -> ContinuousClock.Instant { start + duration }

    @Test("A new connection reads everything first")
    func first() {
        var schedule = ReadSchedule(at: start)
        #expect(schedule.next(at: start) == .readAll)
    }

    @Test("A notification leads to a read of what changed, 10 ms after the last one at the earliest")
    func notified() {
        var schedule = settled()
        schedule.notified()
        #expect(schedule.next(at: after(.milliseconds(9))) == .wait(until: after(.milliseconds(10))))
        schedule.notified()
        #expect(schedule.next(at: after(.milliseconds(10))) == .readChanges)
        schedule.readEnded(all: false, at: after(.milliseconds(12)), jitter: 0.5)
        #expect(schedule.next(at: after(.milliseconds(30))) == .wait(until: after(.milliseconds(5_012))))
    }

    @Test("What is announced during a read leads to another read")
    func notifiedMeanwhile() {
        var schedule = settled()
        schedule.notified()
        #expect(schedule.next(at: after(.seconds(1))) == .readChanges)
        schedule.notified()
        schedule.readEnded(all: false, at: after(.seconds(1)), jitter: 0.5)
        #expect(schedule.next(at: after(.milliseconds(1_010))) == .readChanges)
    }

    @Test("Full reads that are asked for lie 250 ms apart, and the changes come with them")
    func fullReads() {
        var schedule = settled()
        schedule.fullReadWanted()
        schedule.notified()
        #expect(schedule.next(at: after(.milliseconds(100))) == .wait(until: after(.milliseconds(250))))
        #expect(schedule.next(at: after(.milliseconds(250))) == .readAll)
        schedule.readEnded(all: true, at: after(.milliseconds(260)), jitter: 0.5)
        #expect(schedule.next(at: after(.milliseconds(300))) == .wait(until: after(.milliseconds(5_260))))
    }

    @Test("With nothing announced it pings every 5 s, polls every 30 s and reads everything every hour")
    func timers() {
        var schedule = settled()
        var now = start
        var reads: [Duration] = []
        var full: [Duration] = []
        var pings = 0
        while now < after(.seconds(7_300)) {
            switch schedule.next(at: now) {
            case .wait(let time): now = max(time, now)
            case .ping:
                pings += 1
                schedule.pinged(at: now)
            case .readChanges:
                reads.append(start.duration(to: now))
                schedule.readEnded(all: false, at: now, jitter: 0.5)
            case .readAll:
                full.append(start.duration(to: now))
                schedule.readEnded(all: true, at: now, jitter: 0.5)
            case .reportDeafness: Issue.record("the echo was heard")
            }
        }
        #expect(reads[0] == .seconds(30))
        #expect((235...245).contains(reads.count))
        #expect(full == [.seconds(3_600), .seconds(7_200)])
        #expect((1_150...1_300).contains(pings))
    }

    @Test("Without an echo in 2 s it says so once and polls every second; a late echo sets that right")
    func echo() {
        var schedule = ReadSchedule(at: start)
        _ = schedule.next(at: start)
        schedule.readEnded(all: true, at: start, jitter: 0.5)
        schedule.echoSent(at: start)
        #expect(schedule.next(at: after(.milliseconds(1_999))) == .wait(until: after(.seconds(2))))
        #expect(schedule.next(at: after(.seconds(2))) == .reportDeafness)
        #expect(schedule.isListening == false)
        #expect(schedule.next(at: after(.seconds(3))) == .readChanges)
        schedule.readEnded(all: false, at: after(.seconds(3)), jitter: 0.5)
        #expect(schedule.next(at: after(.seconds(4))) == .readChanges)
        let isNews = schedule.echoHeard(at: after(.seconds(4)))
        #expect(isNews)
        schedule.readEnded(all: false, at: after(.seconds(4)), jitter: 0.5)
        #expect(schedule.next(at: after(.seconds(5))) == .wait(until: after(.seconds(9))))
    }

    @Test("A table that seems empty is read whole a second later and not in between")
    func emptiness() {
        var schedule = settled()
        schedule.emptinessSuspected(at: start)
        schedule.notified()
        #expect(schedule.next(at: after(.milliseconds(500))) == .wait(until: after(.seconds(1))))
        #expect(schedule.next(at: after(.seconds(1))) == .readAll)
    }

    @Test(
        "The server's limit on idle sessions never passes between two signs of life",
        arguments: [Duration.milliseconds(300), .seconds(1), .seconds(3), .seconds(14), .seconds(60)])
    func idleLimits(limit: Duration) {
        var schedule = settled()
        schedule.idleLimitFound(limit)
        schedule.pinged(at: start)
        guard case .wait(let time) = schedule.next(at: start) else {
            Issue.record("nothing to wait for")
            return
        }
        #expect(start.duration(to: time) <= limit / 3 + .milliseconds(1))
        #expect(start.duration(to: time) <= .seconds(5))
        schedule.idleLimitFound(nil)
        schedule.pinged(at: start)
        #expect(schedule.next(at: start) == .wait(until: after(.seconds(5))))
    }

    @Test("Where a session's server is given to others, it polls every second from then on")
    func cannotListen() {
        var schedule = settled()
        schedule.deafnessFound(at: after(.seconds(2)))
        #expect(schedule.isListening == false)
        #expect(schedule.next(at: after(.seconds(3))) == .readChanges)
        schedule.readEnded(all: false, at: after(.seconds(3)), jitter: 0.5)
        #expect(schedule.next(at: after(.seconds(4))) == .readChanges)
    }
}
