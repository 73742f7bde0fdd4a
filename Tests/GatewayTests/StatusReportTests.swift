import ControlPlane
import Gatekeeper
import Testing

@testable import ControlPlane
@testable import Gateway

@Suite struct StatusQueryTests {
    private func pool(_ name: String, _ state: PoolStatus.State = .ready) throws -> PoolStatus {
        let id = try #require(PoolID("eu-west-1_\(name)"))
        let region = try #require(Region("eu-west-1"))
        return PoolStatus(
            pool: try #require(PoolName(region: region, poolID: id)), state: state, keyIDs: [],
            areKeysFromDisk: false, firstSeen: [:], since: Instant(seconds: 0), lastSuccess: nil,
            trustedUntil: nil, lastAttempt: nil, nextAttempt: nil, failure: nil, sightings: [],
            endpoint: nil)
    }

    private func names(_ query: String, _ pools: [PoolStatus]) throws -> (names: [String], leftOut: Int) {
        let (part, leftOut) = try #require(StatusQuery(query: Substring(query))).part(of: pools)
        return (part.map { String($0.pool.poolID.description.dropFirst(10)) }, leftOut)
    }

    @Test("Pools come in parts: so many, those behind one, those in a state; the rest is a number")
    func parts() throws {
        let pools = [try pool("a"), try pool("b", .failing), try pool("c"), try pool("d", .failing)]
        #expect(try names("", pools) == (["a", "b", "c", "d"], 0))
        #expect(try names("pools=2", pools) == (["a", "b"], 2))
        #expect(try names("pools=2&after=eu-west-1/eu-west-1_b", pools) == (["c", "d"], 0))
        #expect(try names("pools=1&state=failing", pools) == (["b"], 1))
        #expect(try names("after=eu-west-1/eu-west-1_bb", pools) == (["c", "d"], 0))
        #expect(try names("pools=0", pools) == ([], 4))
    }

    @Test("So many pools at most, and no other words")
    func refused() {
        #expect(StatusQuery(query: "pools=\(Limits.mostPoolsPerStatus)") != nil)
        for query in [
            "pools=\(Limits.mostPoolsPerStatus + 1)", "pools=-1", "pool=1", "state=well", "pools",
            "after=%zz",
        ] {
            #expect(StatusQuery(query: Substring(query)) == nil, "\(query)")
        }
    }

    @Test("Of very many rows that cannot be served the first are told, and how many there are")
    func quarantined() {
        var status = DirectoryStatus()
        for number in 0..<1_000 { status.quarantined["h\(1_000 + number).example"] = RowFlaw("no") }
        let shown = StatusReport.Directory(status, now: Instant(seconds: 0))
        #expect(shown.quarantinedCount == 1_000 && shown.quarantined.count == Limits.quarantinedPerStatus)
        #expect(shown.quarantined["h1000.example"] == "no" && shown.quarantined["h1100.example"] == nil)
    }
}

@Suite struct ReadyReportTests {
    private let now = Instant(seconds: 100_000)

    private func words(_ change: (inout DirectoryStatus) -> Void) -> String? {
        var status = DirectoryStatus()
        change(&status)
        return ReadyReport(.ready, status, PoolCounts(), at: now).directory
    }

    @Test(
        "It says what is served by: the database, what is in memory, or the copy on disk, and how old that is"
    )
    func directory() {
        #expect(words { _ in } == nil)
        #expect(
            words {
                $0.source = .database
                $0.link = .connected
            } == "database")
        #expect(
            words {
                $0.source = .database
                $0.confirmedAt = now.advanced(bySeconds: -300)
            } == "memory, confirmed 5 min ago")
        #expect(
            words { $0.source = .disk(savedAt: now.advanced(bySeconds: -720)) } == "disk, saved 12 min ago")
        // The clock was set back since.
        #expect(words { $0.source = .disk(savedAt: now.advanced(bySeconds: 720)) } == "disk, saved now")
    }

    @Test("It says how many pools serve keys from disk, and nothing where none does")
    func keys() {
        var counts = PoolCounts()
        #expect(ReadyReport(.ready, DirectoryStatus(), counts, at: now).keys == nil)
        (counts.ready, counts.failing, counts.fromDisk) = (9, 3, 3)
        #expect(
            ReadyReport(.unready("x"), DirectoryStatus(), counts, at: now).keys == "disk for 3 of 12 pools")
    }
}

@Suite struct EventReaderTests {
    private let events = Array(
        ": poolgate\n\nevent: state\ndata: {\"a\":1}\n\n: still here\n\nevent: refusal\ndata: {}\n\n".utf8)

    @Test("Events are read however their bytes come, and comments are none")
    func pieces() {
        for size in [1, 2, 7, events.count] {
            let reader = EventReader()
            var found: [EventReader.Event] = []
            var rest = events[...]
            while !rest.isEmpty {
                found += reader.take(Array(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(found.map(\.name) == ["state", "refusal"])
            #expect(found.map { String(decoding: $0.data, as: UTF8.self) } == ["{\"a\":1}", "{}"])
        }
    }

    @Test("A line that is longer than the bound is passed over, and memory does not grow by it")
    func longLine() {
        let reader = EventReader()
        #expect(
            reader.take(Array("data: ".utf8) + [UInt8](repeating: 0x61, count: Limits.eventLineBytes)).isEmpty
        )
        #expect(reader.take(Array("\n\nevent: state\ndata: {}\n\n".utf8)).map(\.name) == ["state"])
    }
}

@Suite struct TailLineTests {
    @Test("A refusal is one line of what is known of it, and nothing in it can move a cursor")
    func line() {
        var refusal = RefusalEvent(
            time: "2026-11-26T06:12:03.456Z", tenant: "a.example", code: "expired", status: 401,
            detail: "by 5 min", method: "GET", path: "/\u{1B}[2J\n", client: "192.0.2.7", subject: "s",
            rule: 7,
            requestID: "r1")
        #expect(
            TailLine(refusal).text
                == #"06:12:03 a.example 401 expired GET /\u{1B}[2J\n from 192.0.2.7 as s by rule 7 (by 5 min) r1"#
        )
        refusal.tenant = nil
        refusal.host = "x.example"
        #expect(TailLine(refusal).text.hasPrefix("06:12:03 (x.example) 401"))
        refusal.suppressed = 12
        #expect(TailLine(refusal).text == "06:12:03 (x.example) expired: 12 more")
    }

    @Test("The target names the tenant so that no host can add to the query")
    func path() {
        #expect(TailCommand.path(nil, 10) == "/events?last=10")
        #expect(
            TailCommand.path("*.a.example&last=1 ", 0) == "/events?last=0&tenant=%2A.a.example%26last%3D1%20")
    }
}
