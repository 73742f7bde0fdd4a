import Postgres
import Synchronization

/// Tenants as they come in one at a time, packed, so that a result is not in memory besides them.
///
/// A class, because the connection's thread fills it and the reader empties it.
final class RowCollector: Sendable {
    private struct State {
        var rows: [PackedRow] = []
        /// Where the columns stand; the same for all rows.
        var positions: [Int]?
        /// How many there are, as the same transaction counted them.
        var expected: Int64?
        var failure: PostgresError?
    }

    private let state = Mutex(State())

    /// Says how many will come.
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

    /// The rows, which it does not keep; throws where there are not as many as the same transaction counted.
    func taken() throws(PostgresError) -> [PackedRow] {
        let result: Result<[PackedRow], PostgresError> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            let count = Int64(state.rows.count)
            guard count == state.expected else {
                return .failure(DirectoryReader.incomplete("tenants", count, state.expected))
            }
            defer { state.rows = [] }
            return .success(state.rows)
        }
        return try result.get()
    }
}
