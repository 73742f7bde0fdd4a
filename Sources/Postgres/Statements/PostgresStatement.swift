/// One SQL command with its parameters `$1`, `$2`, ….
package struct PostgresStatement: Hashable, Sendable {
    /// The command, with `$1`, `$2`, … where the parameters go.
    package let sql: String
    /// The values of `$1`, `$2`, …, in this order.
    package let parameters: [PostgresValue]

    /// A statement, to be run by a connection.
    package init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// A statement of a transaction, and where its rows go.
package struct PostgresStep: Sendable {
    let statement: PostgresStatement
    let eachRow: (@Sendable (PostgresRows) -> Void)?

    /// A statement whose rows come back together, as one element of the transaction's results.
    package init(_ statement: PostgresStatement) {
        self.statement = statement
        self.eachRow = nil
    }

    /// A statement whose rows are given to `eachRow` one at a time, each as a result of one row, while the others are still
    /// on their way, so that they are never all in memory. Its element of the transaction's results has no rows.
    ///
    /// `eachRow` runs on the connection's thread and must not block. The rows that it got count only once the transaction
    /// has succeeded: of a read that is cut off, it got some.
    package init(_ statement: PostgresStatement, eachRow: @escaping @Sendable (PostgresRows) -> Void) {
        self.statement = statement
        self.eachRow = eachRow
    }
}
