import Gatekeeper
import Postgres
import Synchronization

/// Collects revocations while they arrive one at a time, in the order of their ids: a million of them take 32 MB here,
/// and the database's whole result is never in memory.
///
/// A class, because the connection's thread puts entries in and the reader takes them out.
final class RevocationCollector: Sendable {
    /// The entries, and the pools that they belong to.
    struct Entries: Sendable {
        var entries: [Revocations.Entry] = []
        var pools: Set<PoolName> = []
        /// How many entries could not be understood.
        var unreadable = 0
    }

    private struct State {
        var entries: [Revocations.Entry] = []
        var pools = RevokedPools()
        var columns: [Int]?
        var lastID: Int64?
        /// How many there are, as the same transaction counted them.
        var expected: Int64?
        var seen: Int64 = 0
        var unreadable = 0
        /// Whether an id was not greater than the one before, which means that a row came twice.
        var isOutOfOrder = false
        var failure: PostgresError?
    }

    private let state = Mutex(State())

    /// Notes how many will come, as the same transaction counted them, and makes room for them.
    func expect(_ count: Int64?) {
        state.withLock { state in
            state.expected = count
            state.entries.reserveCapacity(min(Int(clamping: count ?? 0), Limits.revocationsExpected))
        }
    }

    /// Takes the one row of a result.
    func take(_ row: PostgresRows) {
        state.withLock { state in
            do throws(PostgresError) {
                if state.columns == nil {
                    state.columns = try row.columns(DirectoryQueries.revocationColumns)
                }
                let columns = state.columns ?? []
                state.seen += 1
                guard let id = RevocationReader.number(row, 0, columns[0]) else {
                    state.isOutOfOrder = true
                    return
                }
                if let last = state.lastID, last >= id { state.isOutOfOrder = true }
                state.lastID = id
                state.pools.note(row, 0, columns)
                guard let entry = RevocationReader.entry(row, 0, columns) else {
                    state.unreadable += 1
                    return
                }
                state.entries.append(entry)
            } catch {
                state.failure = error
            }
        }
    }

    /// Takes the entries out; throws where there are not as many as were expected, or one came twice.
    func takeEntries() throws(PostgresError) -> Entries {
        let result: Result<Entries, PostgresError> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            guard state.seen == state.expected, !state.isOutOfOrder else {
                return .failure(PostgresError.incompleteRead("revocations", state.seen, state.expected))
            }
            let found = Entries(
                entries: state.entries, pools: state.pools.names, unreadable: state.unreadable)
            state.entries = []
            return .success(found)
        }
        return try result.get()
    }
}
