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

/// What a transaction sees and may do.
package enum PostgresTransactionMode: Hashable, Sendable {
    /// REPEATABLE READ READ ONLY: every statement sees one and the same snapshot.
    case snapshot
    /// READ COMMITTED: all of it happens, or nothing.
    case readWrite

    var begin: String {
        switch self {
        case .snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        case .readWrite: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
        }
    }
}
