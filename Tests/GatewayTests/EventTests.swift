import ControlPlane
import DataPlane
import Gatekeeper
import Testing

@testable import DataPlane
@testable import Gateway

@Suite struct RecentRefusalsTests {
    private func refusal(_ tenant: String?, _ path: String = "/") -> RefusalEvent {
        RefusalEvent(
            time: "2026-11-26T06:00:00.000Z", tenant: tenant, code: "expired", status: 401, path: path)
    }

    @Test("The latest come in their order, of all tenants or of one")
    func order() {
        let recent = RecentRefusals()
        recent.append([refusal("a.example", "/1"), refusal("b.example", "/2"), refusal("a.example", "/3")])
        recent.append([refusal(nil, "/4")])
        #expect(recent.latest(10).map(\.path) == ["/1", "/2", "/3", "/4"])
        #expect(recent.latest(2).map(\.path) == ["/3", "/4"])
        #expect(recent.latest(10, tenant: "a.example").map(\.path) == ["/1", "/3"])
        #expect(recent.latest(10, tenant: "c.example").isEmpty)
    }

    @Test("A flood of one tenant's refusals pushes out only its own")
    func flood() {
        let recent = RecentRefusals()
        recent.append([refusal("quiet.example", "/kept")])
        for number in 0..<100_000 { recent.append([refusal("loud.example", "/\(number)")]) }
        #expect(recent.count == Limits.refusalsKeptPerTenant + 1)
        #expect(recent.latest(10, tenant: "quiet.example").map(\.path) == ["/kept"])
        #expect(recent.latest(1, tenant: "loud.example").map(\.path) == ["/99999"])
    }

    @Test("All tenants together have a bound, beyond which the oldest goes")
    func bound() {
        let recent = RecentRefusals()
        for number in 0..<(Limits.refusalsKept * 3) {
            recent.append([refusal("t\(number % 500).example", "/\(number)")])
        }
        let latest = recent.latest(.max)
        #expect(recent.count == Limits.refusalsKept && latest.count == Limits.refusalsKept)
        #expect(latest.first?.path == "/\(Limits.refusalsKept * 2)")
        #expect(latest.last?.path == "/\(Limits.refusalsKept * 3 - 1)")
    }
}

@Suite struct EventHubTests {
    private func summary(isReady: Bool = true, time: String = "t") -> StateSummary {
        StateSummary(
            time: time, instance: "i", isReady: isReady, reason: nil, isDraining: false,
            directory: StateSummary.Directory(DirectoryStatus()), pools: PoolTally(PoolCounts()))
    }

    private func refusal(_ tenant: String, _ path: String = "/") -> RefusalEvent {
        RefusalEvent(time: "t", tenant: tenant, code: "expired", status: 401, path: path)
    }

    private func next(_ listener: EventListener) async -> EventListener.Batch {
        await listener.next(until: .now)
    }

    @Test(
        "A listener hears how the gateway is, what was before as far as it asks, and then its tenant's refusals alone"
    )
    func filtered() async throws {
        let hub = EventHub()
        hub.take([refusal("a.example", "/1"), refusal("a.example", "/2"), refusal("b.example", "/3")])
        let listener = try #require(hub.listen(to: "a.example", last: 1, summary: summary()))
        hub.take([refusal("a.example", "/4"), refusal("b.example", "/5")])
        let messages = await next(listener).messages
        #expect(messages.map(\.event) == ["state", "refusal", "refusal"])
        let texts = messages.map { String(decoding: $0.data, as: UTF8.self) }
        #expect(texts[1].contains("\"/2\"") && texts[2].contains("\"/4\""))
    }

    @Test("The state is told when it changes, and not when only the time has")
    func state() async throws {
        let hub = EventHub()
        let listener = try #require(hub.listen(to: nil, last: 0, summary: summary()))
        hub.take(summary(time: "later"))
        hub.take(summary(isReady: false))
        #expect(await next(listener).messages.map(\.event) == ["state", "state"])
    }

    @Test("A listener that does not read loses the oldest events, and is told how many")
    func slow() async throws {
        let hub = EventHub()
        let listener = try #require(hub.listen(to: nil, last: 0, summary: summary()))
        for number in 0..<(Limits.eventsWaiting + 9) { hub.take([refusal("a.example", "/\(number)")]) }
        let batch = await next(listener)
        // The ten that went are the first event of the state and nine refusals.
        #expect(batch.messages.count == Limits.eventsWaiting && batch.dropped == 10)
        let bytes = String(decoding: EventStream.bytes(batch), as: UTF8.self)
        #expect(bytes.hasPrefix("event: dropped\ndata: {\"dropped\":10}\n\nevent: refusal\ndata: {"))
        #expect(await next(listener) == EventListener.Batch())
    }

    @Test("So many listen at once and no more, until one leaves; at the end nobody does")
    func listeners() async throws {
        let hub = EventHub()
        let listeners = (0..<Limits.eventListeners).compactMap { _ in
            hub.listen(to: nil, last: 0, summary: summary())
        }
        #expect(listeners.count == Limits.eventListeners && !hub.hasRoom)
        #expect(hub.listen(to: nil, last: 0, summary: summary()) == nil)
        hub.leave(listeners[0])
        #expect(hub.hasRoom && hub.listen(to: nil, last: 0, summary: summary()) != nil)
        hub.end()
        #expect(await next(listeners[1]).isOver && !hub.hasRoom)
    }

    @Test("A line end in what a client sent cannot end an event")
    func lineEnds() async throws {
        let hub = EventHub()
        let listener = try #require(hub.listen(to: nil, last: 0, summary: summary()))
        hub.take([refusal("a.example", "/\nevent: state\n\n\u{2028}\r")])
        let text = String(decoding: EventStream.bytes(await next(listener)), as: UTF8.self)
        #expect(text.split(separator: "\n").count == 4 && !text.contains("\r"))
    }

    @Test("A refusal becomes an event; a request that passed, and a rule in shadow, become none")
    func records() throws {
        func record(_ refusal: Refusal?, _ detail: RefusalDetail? = nil) -> RequestRecord {
            var record = RequestRecord(
                time: Instant(seconds: 0), status: 401, tenant: HostPattern("a.example"), refusal: refusal)
            record.requestID = .random()
            record.text = RecordedText(method: "GET".utf8, host: "a.example".utf8, path: "/x".utf8)
            record.detail = detail
            return record
        }
        let event = try #require(RefusalEvent(record(.token(.expired))))
        #expect(event.time == "1970-01-01T00:00:00.000Z" && event.code == "expired" && event.path == "/x")
        #expect(event.requestID?.count == 32 && event.suppressed == 0)
        #expect(RefusalEvent(record(nil)) == nil)
        #expect(RefusalEvent(record(.token(.expired), .shadowRule(1))) == nil)
    }

    @Test(
        "The query names a tenant and a number; anything else is refused, so that a misspelt name shows not all tenants"
    )
    func query() throws {
        let filter = try #require(EventFilter(query: "tenant=%2A.Example.com&last=5"))
        #expect(filter.tenant == "*.example.com" && filter.last == 5)
        #expect(EventFilter(query: "")?.tenant == nil)
        for query in ["tennant=a", "tenant=", "tenant", "last=-1", "last=99999", "last=x", "tenant=%zz"] {
            #expect(EventFilter(query: Substring(query)) == nil, "\(query)")
        }
    }
}
