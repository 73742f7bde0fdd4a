/// A parameter of a query, in Postgres' text form.
package struct PostgresValue: Hashable, Sendable, ExpressibleByNilLiteral, ExpressibleByStringLiteral {
    let text: String?

    package init(nilLiteral: ()) { text = nil }
    package init(stringLiteral value: String) { text = value }
    private init(_ text: String?) { self.text = text }

    /// Text, or whatever the query casts it to; nil is NULL.
    package static func text(_ value: String?) -> PostgresValue { PostgresValue(value) }
    /// A whole number; nil is NULL.
    package static func integer<Number: FixedWidthInteger>(_ value: Number?) -> PostgresValue {
        PostgresValue(value.map { String($0) })
    }
    /// A truth value; nil is NULL.
    package static func boolean(_ value: Bool?) -> PostgresValue {
        PostgresValue(value.map { $0 ? "t" : "f" })
    }
    /// A `text[]` whose elements may be NULL; nil is NULL itself.
    package static func texts(_ value: [String?]?) -> PostgresValue {
        PostgresValue(value.map(TextArray.encoded))
    }
}

/// One SQL command with its parameters `$1`, `$2`, ….
package struct PostgresStatement: Hashable, Sendable {
    package let sql: String
    package let parameters: [PostgresValue]

    package init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

/// A statement of a transaction, and who takes its rows.
package struct PostgresStep: Sendable {
    let statement: PostgresStatement
    let eachRow: (@Sendable (PostgresRows) -> Void)?

    /// A statement whose rows come back together.
    package init(_ statement: PostgresStatement) {
        self.statement = statement
        self.eachRow = nil
    }

    /// A statement whose rows are given to `eachRow` one at a time, as results of one row, while the rest is still on
    /// its way, so that they are never all in memory; its place among the transaction's results stays empty.
    ///
    /// `eachRow` runs on the connection's thread and must not block. Rows that it got count only when the transaction
    /// succeeds: a read that is cut off has given some of them already.
    package init(_ statement: PostgresStatement, eachRow: @escaping @Sendable (PostgresRows) -> Void) {
        self.statement = statement
        self.eachRow = eachRow
    }
}

/// What a transaction sees and may do.
package enum PostgresTransactionMode: Hashable, Sendable {
    /// REPEATABLE READ READ ONLY: every statement sees one and the same snapshot.
    case snapshot
    /// READ COMMITTED: all of it happens, or nothing.
    case readWrite

    /// The commands that begin the transaction, for a server of this version that shall stop by itself.
    ///
    /// Everything is set for the transaction alone: behind a pooler the next transaction on this server's connection
    /// is somebody else's, and what a role or a database sets would otherwise decide how a read of ours ends. With
    /// `row_security` off, rows that a policy hides are an error, so that a part of a table is never taken for all of
    /// it. Compiling costs more than any of our queries. A gateway that stands still loses its transaction in time.
    func begin(serverVersion: Int, stoppingAfter milliseconds: Int64) -> String {
        let isolation =
            switch self {
            case .snapshot: "REPEATABLE READ READ ONLY"
            case .readWrite: "READ COMMITTED READ WRITE"
            }
        var settings = [
            ("statement_timeout", String(milliseconds)),
            ("idle_in_transaction_session_timeout", String(milliseconds)),
            ("lock_timeout", "0"), ("row_security", "off"), ("jit", "off"),
        ]
        if serverVersion >= 170_000 { settings.append(("transaction_timeout", "0")) }
        return "BEGIN ISOLATION LEVEL \(isolation)"
            + settings.map { "; SET LOCAL \($0.0) = \($0.1)" }.joined()
    }
}
