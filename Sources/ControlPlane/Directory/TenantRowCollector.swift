import Postgres
import Synchronization

/// Collects tenants' rows while they arrive one at a time, packed, so that the database's whole result is never in memory.
///
/// A class, because the connection's thread puts rows in and the reader takes them out.
final class TenantRowCollector: Sendable {
    private struct State {
        var rows: [PackedRow] = []
        /// Where the columns stand; the same for all rows.
        var positions: [Int]?
        /// How many there are, as the same transaction counted them.
        var expected: Int64?
        var failure: PostgresError?
    }

    private let state = Mutex(State())

    /// Notes how many rows will come, as the same transaction counted them.
    func expect(_ count: Int64?) {
        state.withLock { $0.expected = count }
    }

    /// Takes the one row of a result.
    func take(_ row: PostgresRows) {
        state.withLock { state in
            do throws(PostgresError) {
                if state.positions == nil { state.positions = try row.columns(DirectoryQueries.columns) }
                let positions = state.positions ?? []
                state.rows.append(PackedRow(row, 0, positions: positions))
            } catch {
                state.failure = error
            }
        }
    }

    /// Takes the rows out; throws where there are not as many as were expected.
    func takeRows() throws(PostgresError) -> [PackedRow] {
        let result: Result<[PackedRow], PostgresError> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            let count = Int64(state.rows.count)
            guard count == state.expected else {
                return .failure(PostgresError.incompleteRead("tenants", count, state.expected))
            }
            defer { state.rows = [] }
            return .success(state.rows)
        }
        return try result.get()
    }
}
