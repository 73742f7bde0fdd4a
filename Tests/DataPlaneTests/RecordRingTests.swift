import Gatekeeper
import Testing

@testable import DataPlane

@Suite struct RecordRingTests {
    private static func record(of tenant: String?) -> RequestRecord {
        RequestRecord(
            time: Instant(nanoseconds: 0), status: 200, tenant: tenant.flatMap { HostPattern($0) })
    }

    /// How many records of each there are after `count` of one tenant and then a few of others, and how many are lost.
    private static func kept(_ count: Int, of loud: String?, capacity: Int) -> (
        loud: Int, others: Int, dropped: Int
    ) {
        let ring = RecordRing(capacity: capacity)
        for _ in 0..<count { ring.append(record(of: loud)) }
        for number in 0..<8 { ring.append(record(of: "other\(number)")) }
        let (records, dropped) = ring.drain()
        let others = records.count { $0.tenant?.description.hasPrefix("other") == true }
        return (records.count - others, others, dropped)
    }

    @Test(
        "A tenant that fills the ring leaves room for others", arguments: ["loud", nil], [100, 1024, 8192])
    func shares(loud: String?, capacity: Int) {
        let kept = Self.kept(capacity * 3, of: loud, capacity: capacity)
        #expect(kept.others == 8)
        #expect(kept.loud == capacity / 2 + capacity / 4)
        #expect(kept.loud + kept.others + kept.dropped == capacity * 3 + 8)
    }

    @Test("What fits is kept, whosever it is, and a drained ring begins anew")
    func room() {
        #expect(Self.kept(50, of: "loud", capacity: 100) == (50, 8, 0))
        let ring = RecordRing(capacity: 8)
        for round in 0..<3 {
            for _ in 0..<4 { ring.append(Self.record(of: "loud")) }
            let (records, dropped) = ring.drain()
            #expect(records.count == 4 && dropped == 0, "\(round)")
        }
    }

    @Test("However many there are, none beyond the bound is kept")
    func bound() {
        let ring = RecordRing(capacity: 64)
        for number in 0..<10_000 { ring.append(Self.record(of: "t\(number)")) }
        let (records, dropped) = ring.drain()
        #expect(records.count == 64 && dropped == 10_000 - 64)
    }
}
