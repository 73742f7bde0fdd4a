import Postgres

/// A transaction in which a command reads or writes rows as an admin would.
struct AdminTransaction {
    private let transaction: PostgresTransaction
    /// What the database remarked that was not printed, beyond the first ones.
    private(set) var unprinted = 0
    private var printed = 0

    /// Begins a transaction whose writes the history says `actor` is behind.
    static func begin(
        on connection: PostgresConnection, _ mode: PostgresTransactionMode, actor: String
    ) async throws(PostgresError) -> AdminTransaction {
        let transaction = try await PostgresTransaction.begin(
            on: connection, mode, statementTime: Limits.commandStatement, idle: Limits.commandIdle)
        var own = AdminTransaction(transaction: transaction)
        _ = try await own.run(RowQueries.begin(actor: actor))
        return own
    }

    private init(transaction: PostgresTransaction) {
        self.transaction = transaction
    }

    /// Runs one statement; what the database remarks is printed.
    mutating func run(_ statement: PostgresStatement) async throws(PostgresError) -> PostgresRows {
        let result = try await transaction.run(statement)
        tell(result.notices)
        return result.rows
    }

    /// Ends the transaction: commits it, or where it is a trial has everything judged that a commit would, and takes it back.
    mutating func end(isTrial: Bool) async throws(PostgresError) {
        if isTrial {
            _ = try await run(RowQueries.judgeNow)
            try await transaction.rollBack()
        } else {
            tell(try await transaction.commit())
        }
        if unprinted > 0 { Output.complaint("\(unprinted) more remarks of the database were left out") }
    }

    /// Takes everything back.
    func rollBack() async throws(PostgresError) {
        try await transaction.rollBack()
    }

    private mutating func tell(_ notices: [PostgresNotice]) {
        for notice in notices {
            guard printed < Limits.noticesPrinted else {
                unprinted += 1
                continue
            }
            printed += 1
            DatabaseComplaint.remark(notice)
        }
    }
}
