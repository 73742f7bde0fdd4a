package import Gatekeeper
import Synchronization

/// What an event loop notes about a request for the log. Its text is made by the log's writer, not on the loop.
package struct RequestRecord: Sendable {
    /// When the request ended.
    package let time: Instant
    /// 128 random bits, the `request_id` of the response; zero where none was given.
    package let requestID: RequestID
    /// The row's host, where one was found.
    package let tenant: String?
    /// The request's host as it came, cut to a bound; empty where the head was unreadable.
    package let host: [UInt8]
    /// As it came, cut to a bound.
    package let method: [UInt8]
    /// The path without its query, cut to a bound.
    package let path: [UInt8]
    /// The HTTP status that the client got.
    package let status: Int
    /// Nil for a request that an upstream responded to.
    package let refusal: Refusal?
    /// What the log says beyond the refusal's code, where there is more to say.
    package let detail: RefusalDetail?
    /// From the head's last byte, or of an unreadable head from its first, to the response's last; 0 where nothing came.
    package let microseconds: Int64
    /// Above 0, the record stands for so many refusals of its tenant and code that have no record of their own.
    package var others = 0
}

/// The identity of one response of the gateway's own, found again in its log.
package struct RequestID: Sendable, Hashable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// That of a record that no response belongs to.
    static let none = RequestID(high: 0, low: 0)

    /// A fresh random identity.
    package static func random() -> RequestID {
        RequestID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}

/// Holds records on their way from the event loops to the log's writer. It is bounded: where the log is slow, records are
/// dropped and no request waits.
///
/// Half of the room is for whichever records come first. In the other half a tenant gets one more place only while more
/// places are free there than it has, so that a tenant whose requests fill the ring leaves a quarter of it to the others.
package final class RecordRing: Sendable {
    private let state: Mutex<State>
    private let capacity: Int

    private struct State {
        var records: [RequestRecord] = []
        var dropped = 0
        /// The places beyond the half, by tenant; nil for requests that no tenant was found for.
        var beyond: [String?: Int] = [:]
    }

    /// Room for `capacity` records; what does not fit is counted.
    package init(capacity: Int) {
        self.capacity = capacity
        self.state = Mutex(State())
    }

    /// Adds a record, or counts it where there is no room.
    package func append(_ record: RequestRecord) {
        state.withLock { state in
            let free = capacity - state.records.count
            if free <= capacity / 2 {
                let taken = state.beyond[record.tenant, default: 0]
                guard free > 0, taken < free else {
                    state.dropped += 1
                    return
                }
                state.beyond[record.tenant] = taken + 1
            }
            state.records.append(record)
        }
    }

    /// Everything that waits, and how many did not fit since the last call.
    package func drain() -> (records: [RequestRecord], dropped: Int) {
        state.withLock { state in
            defer { state = State() }
            return (state.records, state.dropped)
        }
    }
}
