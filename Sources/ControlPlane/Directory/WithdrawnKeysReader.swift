import Gatekeeper
import Postgres

/// Makes the withdrawn keys from the rows of `DirectoryQueries.withdrawnKeys`.
enum WithdrawnKeysReader {
    /// All of them; throws where there are more than are read, which nothing but a writer that switches the triggers off
    /// can bring about. A pool that no tenant can have is left out.
    static func keys(in rows: PostgresRows) throws(PostgresError) -> WithdrawnKeys {
        guard rows.count <= Limits.withdrawnKeys else {
            throw .misuse("poolgate.withdrawn_keys has more than \(Limits.withdrawnKeys) rows")
        }
        let columns = try rows.columns(DirectoryQueries.withdrawnKeyColumns)
        var keys = WithdrawnKeys()
        for row in 0..<rows.count {
            guard let region = rows.text(row, columns[0]).flatMap({ Region($0) }),
                let poolID = rows.text(row, columns[1]).flatMap({ PoolID($0) }),
                let pool = PoolName(region: region, poolID: poolID),
                let keyID = rows.text(row, columns[2]), let at = rows.text(row, columns[3])
            else { continue }
            keys.withdraw(
                keyID, of: pool, WithdrawnKeys.Withdrawal(at: at, reason: rows.text(row, columns[4])))
        }
        return keys
    }
}
