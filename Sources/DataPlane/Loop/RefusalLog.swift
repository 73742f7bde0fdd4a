import Gatekeeper

/// The records of one loop's requests on their way to the log: so many a second of one tenant and reason, and the others
/// counted.
///
/// A class, since every exchange of the loop writes to it.
final class RefusalLog {
    private let ring: RecordRing
    private var tally = RefusalTally()

    init(ring: RecordRing) {
        self.ring = ring
    }

    /// Whether a refusal gets a record of its own.
    func admits(_ refusal: Refusal, of tenant: Tenant?, status: Int) -> Bool {
        tally.admits(refusal, of: tenant, status: status)
    }

    /// Leaves a record.
    func append(_ record: RequestRecord) {
        ring.append(record)
    }

    /// Ends the second of the tally: what got no record of its own is recorded as a number.
    func endSecond(at now: Instant) {
        for beyond in tally.endSecond() {
            ring.append(
                RequestRecord(
                    time: now, status: beyond.status, tenant: beyond.tenant?.name, refusal: beyond.refusal,
                    others: beyond.count))
        }
    }
}
