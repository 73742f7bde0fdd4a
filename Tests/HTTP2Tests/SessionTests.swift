import HTTPMessage
import Testing

@testable import HTTP2

/// A connection's life: streams, windows, budgets and ends, told by frames.
@Suite struct SessionTests {
    /// What happened, each in a word or two.
    static func events(_ session: HTTP2Session) -> [String] {
        var all: [String] = []
        while let event = session.nextEvent() {
            switch event {
            case .request(let id, _, _, let isWhole): all.append("request \(id)\(isWhole ? " whole" : "")")
            case .flawedRequest(let id, let flaw): all.append("flawed \(id) \(flaw.rawValue)")
            case .response(let id, let head, _, _): all.append("response \(id) \(head.status)")
            case .flawedResponse(let id, let flaw): all.append("flawed \(id) \(flaw.rawValue)")
            case .data(let id, let range): all.append("data \(id) \(range.count)")
            case .trailers(let id, let fields, _): all.append("trailers \(id) \(fields.count)")
            case .ended(let id): all.append("ended \(id)")
            case .sent(let id): all.append("sent \(id)")
            case .closed(let id, let code): all.append("closed \(id) \(code)")
            case .goingAway(let last, let code): all.append("goingAway \(last) \(code)")
            case .settingsChanged: all.append("settings")
            }
        }
        return all
    }

    static func made(streams: UInt32 = 8) throws -> HTTP2Session {
        try #require(
            HTTP2Session(
                side: .server,
                settings: .init(
                    streams: streams, connectionWindowBytes: 8 * 65_535, headLimits: HeadLimits())))
    }

    /// What the session sends, taken as sent.
    @discardableResult
    static func sent(_ session: HTTP2Session, limit: Int = 1 << 20) -> HTTP2Output {
        var output = HTTP2Output()
        session.produce(into: &output, limit: limit)
        return output
    }

    static func receive(_ session: HTTP2Session, _ frames: Frames) -> Bool {
        frames.bytes.withUnsafeBytes { session.receive($0) } == nil
    }

    static func respond(_ session: HTTP2Session, stream: Int32, hasBody: Bool) {
        Array("200".utf8).withUnsafeBytes { status in
            session.beginHead()
            session.addField(":status", status)
            session.submitResponse(stream: stream, hasBody: hasBody)
        }
    }

    @Test("A body comes as ranges of what was received, and ends once")
    func body() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain, ends: false)
        frames.data([1, 2, 3])
        frames.data([4], ends: true)
        #expect(Self.receive(session, frames))
        #expect(Self.events(session) == ["settings", "request 1", "data 1 3", "data 1 1", "ended 1"])
    }

    @Test("Trailers end a message; pseudo-fields among them end the stream")
    func trailers() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain, ends: false)
        frames.headers([("x-sum", "1")])
        frames.headers(RequestHeadTests.plain, stream: 3, ends: false)
        frames.headers([(":path", "/b")], stream: 3)
        #expect(Self.receive(session, frames))
        Self.sent(session)
        #expect(
            Self.events(session) == [
                "settings", "request 1", "trailers 1 1", "ended 1", "request 3", "closed 3 protocolError",
            ])
    }

    @Test("Every way to cut the bytes comes to the same events")
    func cuts() throws {
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain, ends: false)
        frames.data(Array(repeating: 7, count: 20), ends: true)
        for cut in 1..<frames.bytes.count {
            let session = try Self.made()
            var all: [String] = []
            for part in [frames.bytes[..<cut], frames.bytes[cut...]] {
                #expect(Array(part).withUnsafeBytes { session.receive($0) } == nil)
                all += Self.events(session)
            }
            let bytes = all.filter { $0.hasPrefix("data") }.compactMap { Int($0.split(separator: " ")[2]) }
            #expect(bytes.reduce(0, +) == 20, "cut at \(cut)")
            #expect(
                all.filter { !$0.hasPrefix("data") } == ["settings", "request 1", "ended 1"], "cut at \(cut)")
        }
    }

    @Test("A response leaves gaps for its payload and ends with the last of it")
    func response() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain)
        #expect(Self.receive(session, frames))
        _ = Self.events(session)
        Self.respond(session, stream: 1, hasBody: true)
        session.offer(5, stream: 1)
        #expect(Self.sent(session).gaps.map(\.count) == [5])
        #expect(Self.events(session) == [])
        session.offer(7, stream: 1)
        session.endBody(stream: 1, hasTrailers: false)
        #expect(Self.sent(session).gaps.map(\.count) == [7])
        #expect(Self.events(session) == ["closed 1 noError"])
    }

    @Test("A response that is out while its request still comes is told")
    func responseBeforeEnd() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain, ends: false)
        #expect(Self.receive(session, frames))
        _ = Self.events(session)
        Self.respond(session, stream: 1, hasBody: false)
        Self.sent(session)
        #expect(Self.events(session) == ["sent 1"])
        session.reset(stream: 1, .noError)
        Self.sent(session)
        #expect(Self.events(session) == ["closed 1 noError"])
    }

    @Test("Payload waits for the peer's window, and goes on with it")
    func window() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain)
        #expect(Self.receive(session, frames))
        Self.respond(session, stream: 1, hasBody: true)
        session.offer(100_000, stream: 1)
        #expect(Self.sent(session).payloadBytes == 65_535)
        #expect(Self.sent(session).payloadBytes == 0)
        var update = Frames()
        update.add(type: 8, stream: 0, Frames.number(100_000))
        update.add(type: 8, stream: 1, Frames.number(10))
        #expect(Self.receive(session, update))
        #expect(Self.sent(session).payloadBytes == 10)
    }

    @Test("What is produced at once stays near its bound")
    func outputBound() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain)
        frames.add(type: 8, stream: 0, Frames.number(1_000_000))
        frames.add(type: 8, stream: 1, Frames.number(1_000_000))
        #expect(Self.receive(session, frames))
        Self.respond(session, stream: 1, hasBody: true)
        session.offer(500_000, stream: 1)
        let first = Self.sent(session, limit: 65_536)
        #expect(first.payloadBytes >= 40_000 && first.payloadBytes <= 65_536 + 16_384)
        var total = first.payloadBytes
        while case let next = Self.sent(session, limit: 65_536), !next.isEmpty { total += next.payloadBytes }
        #expect(total == 500_000)
    }

    @Test("A peer is let send no more than a window before what it sent is used")
    func ownWindow() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers(RequestHeadTests.plain, ends: false)
        for _ in 0..<4 { frames.data(Array(repeating: 0, count: 16_383)) }
        #expect(Self.receive(session, frames))
        Self.sent(session)
        var more = Frames()
        more.data(Array(repeating: 0, count: 4))
        #expect(Self.receive(session, more))
        Self.sent(session)
        #expect(Self.events(session).last == "closed 1 flowControlError")
    }

    @Test("A stream beyond those allowed is refused, and its neighbours go on, whether the peer knew or not")
    func streamBound() throws {
        for knows in [true, false] {
            let session = try Self.made(streams: 2)
            let first = Self.sent(session).bytes
            #expect(first[9..<15].elementsEqual([0, 3, 0, 0, 0, 2]))
            var frames = Frames.opening
            if knows { frames.add(type: 4, flags: 1) }
            for id in [1, 3, 5] as [UInt32] {
                frames.headers(RequestHeadTests.plain, stream: id, ends: false)
            }
            frames.data([1], stream: 1, ends: true)
            #expect(Self.receive(session, frames))
            var refusal = Frames()
            refusal.reset(stream: 5, code: 7)
            #expect(Self.sent(session).bytes.suffix(refusal.bytes.count).elementsEqual(refusal.bytes))
            let events = Self.events(session)
            #expect(events.filter { $0.hasPrefix("request") } == ["request 1", "request 3"])
            #expect(events.filter { $0.hasPrefix("closed") } == ["closed 5 refusedStream"])
            // A place that is free is anybody's.
            Self.respond(session, stream: 1, hasBody: false)
            Self.sent(session)
            var more = Frames()
            more.headers(RequestHeadTests.plain, stream: 7)
            #expect(Self.receive(session, more))
            #expect(Self.events(session).contains("request 7 whole"))
        }
    }

    @Test("A peer that opens more streams than allowed for ever is told to calm down")
    func streamFlood() throws {
        let session = try Self.made(streams: 2)
        Self.sent(session)
        var frames = Frames.opening
        frames.add(type: 4, flags: 1)
        #expect(Self.receive(session, frames))
        var opened = 0
        while opened < 5_000 {
            var next = Frames()
            next.headers(RequestHeadTests.plain, stream: UInt32(2 * opened + 1), ends: false)
            guard Self.receive(session, next) else { break }
            Self.sent(session)
            opened += 1
        }
        #expect(opened == Limits.earlyEnds + 2)
    }

    @Test("A head that breaks a rule is no head under way once its stream is gone")
    func brokenHead() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.headers([(":method", "GET"), ("x-a", "b\r\nc")])
        #expect(Self.receive(session, frames))
        Self.sent(session)
        #expect(!session.isInHead)
        var half = Frames()
        half.add(type: 1, stream: 3, Frames.block(RequestHeadTests.plain))
        #expect(Self.receive(session, half))
        #expect(session.isInHead)
    }

    // MARK: Budgets

    /// Frames that cost the peer nothing, by name.
    enum Flood: String, CaseIterable {
        case ping, settings, priority, windowUpdates, emptyData, rapidReset, ownErrors
    }

    static func flood(_ kind: Flood, _ index: Int) -> Frames {
        var frames = Frames()
        let id = UInt32(2 * index + 3)
        switch kind {
        case .ping: frames.add(type: 6, Array(repeating: 0, count: 8))
        case .settings: frames.add(type: 4)
        case .priority: frames.add(type: 2, stream: 1, [0, 0, 0, 0, 1])
        case .windowUpdates: frames.add(type: 8, stream: 0, Frames.number(1))
        case .emptyData: frames.data([])
        case .rapidReset:
            frames.headers(RequestHeadTests.plain, stream: id)
            frames.reset(stream: id)
        case .ownErrors: frames.headers([(":method", "GET")], stream: id)
        }
        return frames
    }

    @Test("A flood of frames that cost its sender nothing ends the connection", arguments: Flood.allCases)
    func floods(_ kind: Flood) throws {
        let session = try Self.made()
        var opening = Frames.opening
        opening.headers(RequestHeadTests.plain, ends: false)
        #expect(Self.receive(session, opening))
        var survived = 0
        for index in 0..<5_000 {
            guard Self.receive(session, Self.flood(kind, index)) else {
                return session.terminate(.enhanceYourCalm)
            }
            Self.sent(session)
            _ = Self.events(session)
            guard !session.isOver else { break }
            survived += 1
        }
        let bound = kind == .rapidReset || kind == .ownErrors ? Limits.earlyEnds : Limits.idleFrames
        #expect(survived >= bound - 3 && survived <= bound + 3)
        Self.sent(session)
        #expect(session.isOver)
    }

    @Test("The same frames at a pace that people have do not")
    func pace() throws {
        let session = try Self.made()
        var opening = Frames.opening
        opening.headers(RequestHeadTests.plain, ends: false)
        #expect(Self.receive(session, opening))
        for index in 0..<1_000 {
            if index % 10 == 0 { session.secondPassed() }
            #expect(Self.receive(session, Self.flood(.rapidReset, index)))
            Self.sent(session)
            _ = Self.events(session)
        }
        #expect(!session.isOver)
    }

    @Test("CONTINUATION frames without end are cut off")
    func continuations() throws {
        let session = try Self.made()
        var frames = Frames.opening
        frames.add(type: 1, stream: 1, Frames.block(RequestHeadTests.plain))
        for index in 0..<10 { frames.add(type: 9, stream: 1, Frames.block([("x-\(index)", "1")])) }
        #expect(!Self.receive(session, frames))
    }

    // MARK: Ends

    @Test("Notice is given before streams are no longer taken")
    func goodbye() throws {
        let session = try Self.made()
        #expect(Self.receive(session, .opening))
        Self.sent(session)
        session.giveNotice()
        var first = Frames()
        first.add(type: 7, [0x7F, 0xFF, 0xFF, 0xFF] + Frames.number(0))
        #expect(Self.sent(session).bytes.suffix(first.bytes.count).elementsEqual(first.bytes))
        var frames = Frames()
        frames.headers(RequestHeadTests.plain)
        #expect(Self.receive(session, frames))
        #expect(Self.events(session).contains("request 1 whole"))
        session.goAway()
        Self.sent(session)
        var late = Frames()
        late.headers(RequestHeadTests.plain, stream: 3)
        #expect(Self.receive(session, late))
        #expect(!Self.events(session).contains { $0.hasPrefix("request") })
        Self.respond(session, stream: 1, hasBody: false)
        Self.sent(session)
        #expect(session.isOver)
    }

    @Test("What is no HTTP/2 at all is not understood")
    func garbage() throws {
        let session = try Self.made()
        let flaw = Array("GET / HTTP/1.1\r\n\r\n......".utf8).withUnsafeBytes { session.receive($0) }
        #expect(flaw == .protocolError)
    }
}
