import Testing

@testable import ControlPlane

@Suite struct FetchQueueTests {
    private let now = ContinuousClock.now

    private func started(_ queue: inout FetchQueue, at now: ContinuousClock.Instant) -> [FetchQueue.Ticket] {
        var tickets: [FetchQueue.Ticket] = []
        while let ticket = queue.next(at: now) { tickets.append(ticket) }
        return tickets
    }

    @Test("64 fetches start at once, the 65th when one ends")
    func bound() {
        var queue = FetchQueue()
        for ticket in 1...65 { queue.add(FetchQueue.Ticket(ticket), FetchPriority()) }
        #expect(started(&queue, at: now) == Array(1...64))
        queue.remove(7)
        #expect(started(&queue, at: now) == [65])
    }

    @Test("Pools whose last fetch failed share 16, waiting requests or not; the others have the rest")
    func failedShare() {
        var queue = FetchQueue()
        for ticket in 1...40 {
            queue.add(
                FetchQueue.Ticket(ticket), FetchPriority(lastFetchFailed: true, requestsWait: ticket % 2 == 0)
            )
        }
        #expect(started(&queue, at: now).count == 16)
        for ticket in 41...140 { queue.add(FetchQueue.Ticket(ticket), FetchPriority()) }
        #expect(started(&queue, at: now) == Array(41...88))
    }

    @Test("A fetch with requests waiting goes first, and one that gets them moves ahead")
    func waitingFirst() {
        var queue = FetchQueue()
        queue.add(1, FetchPriority())
        queue.add(2, FetchPriority(lastFetchFailed: true, requestsWait: true))
        queue.add(3, FetchPriority(requestsWait: true))
        queue.add(4, FetchPriority())
        queue.update(4, FetchPriority(requestsWait: true))
        #expect(started(&queue, at: now) == [3, 4, 2, 1])
    }

    @Test("Fetches for unknown kids start 20 a second over all pools; others are not held up by them")
    func unknownKeys() {
        var queue = FetchQueue()
        for ticket in 1...30 {
            queue.add(FetchQueue.Ticket(ticket), FetchPriority(requestsWait: true, forUnknownKey: true))
        }
        queue.add(31, FetchPriority())
        #expect(started(&queue, at: now) == Array(1...20) + [31])
        for ticket in 1...20 { queue.remove(FetchQueue.Ticket(ticket)) }
        #expect(started(&queue, at: now).isEmpty)
        #expect(queue.nextStart(at: now) == now + .milliseconds(50))
        #expect(started(&queue, at: now + .milliseconds(49)).isEmpty)
        #expect(started(&queue, at: now + .milliseconds(50)) == [21])
        queue.update(22, FetchPriority(requestsWait: true))
        #expect(started(&queue, at: now + .milliseconds(50)) == [22])
    }

    @Test("What was removed while it waited never starts")
    func removed() {
        var queue = FetchQueue()
        for ticket in 1...3 { queue.add(FetchQueue.Ticket(ticket), FetchPriority()) }
        queue.remove(2)
        #expect(started(&queue, at: now) == [1, 3])
        #expect(queue.queuedCount == 0)
        #expect(queue.runningCount == 2)
    }
}

@Suite struct TokenBucketTests {
    @Test(
        "A unknownKeyRate gives its capacity at once, then one each interval, and never holds more than its capacity"
    )
    func unknownKeyRate() {
        let start = ContinuousClock.now
        var unknownKeyRate = RateLimit(burst: 3, interval: .seconds(10))
        var taken: [Bool] = []
        for seconds in [0, 0, 0, 0, 9.999, 10, 19] as [Double] {
            taken.append(unknownKeyRate.take(at: start + .seconds(seconds)))
        }
        #expect(taken == [true, true, true, false, false, true, false])
        var held: [Int] = []
        for seconds in [25, 1_000_000_000, 0] as [Double] {
            held.append(unknownKeyRate.available(at: start + .seconds(seconds)))
        }
        #expect(held == [1, 3, 3])
    }
}

@Suite struct AnswerHeadTests {
    private func fresh(_ lines: String...) -> Int? {
        var head = TransferResponseHead()
        for line in ["HTTP/1.1 200 OK"] + lines {
            Array((line + "\r\n").utf8).withUnsafeBytes { head.take(line: $0) }
        }
        return head.freshSeconds
    }

    @Test("max-age is read in any list, case and quoting, Age taken off")
    func accepted() {
        #expect(fresh("Cache-Control: max-age=60") == 60)
        #expect(fresh("cache-control:public,MAX-AGE=60 , immutable") == 60)
        #expect(fresh("Cache-Control: max-age=\"60\"") == 60)
        #expect(fresh("Cache-Control: ext=\"a, max-age=1\", max-age=60") == 60)
        #expect(fresh("Cache-Control: public", "Cache-Control: max-age=60") == 60)
        #expect(fresh("Cache-Control: max-age=60", "Age: 20") == 40)
        #expect(fresh("Age: 100", "Cache-Control: max-age=60") == 0)
        #expect(fresh("Cache-Control: max-age=60", "Age: soon") == 60)
        #expect(fresh("Cache-Control: max-age=99999999999999999999999999") == 2_147_483_648)
        #expect(fresh("Cache-Control: max-age=60, max-age=60") == 60)
    }

    @Test("What is unclear is no hint; no-store and no-cache are 0")
    func refused() {
        #expect(fresh() == nil)
        #expect(fresh("Cache-Control: max-age=") == nil)
        #expect(fresh("Cache-Control: max-age") == nil)
        #expect(fresh("Cache-Control: max-age=-1") == nil)
        #expect(fresh("Cache-Control: max-age=+1") == nil)
        #expect(fresh("Cache-Control: max-age=1.5") == nil)
        #expect(fresh("Cache-Control: max-age =60") == nil)
        #expect(fresh("Cache-Control: max-age=60, max-age=61") == nil)
        #expect(fresh("Cache-Control: s-maxage=60") == nil)
        #expect(fresh("Cache-Control: x-max-age=60") == nil)
        #expect(fresh("Cache-Control: no-store, max-age=60") == 0)
        #expect(fresh("Cache-Control: no-cache=\"set-cookie\", max-age=60") == 0)
        #expect(fresh("Expires: 60") == nil)
    }

    @Test("A 1xx answer's head does not count for the answer after it")
    func informational() {
        #expect(fresh("Cache-Control: max-age=60", "HTTP/1.1 200 OK") == nil)
    }
}
