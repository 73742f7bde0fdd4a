import Gatekeeper
import Synchronization

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
        var beyond: [HostPattern?: Int] = [:]
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
