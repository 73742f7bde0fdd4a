/// Why a call to the database did not succeed, grouped by whose fault that was. No description shows a password.
package enum PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The caller's: such as a URL that cannot be read, a NUL byte in a parameter, or a value read as another type.
    case misuse(String)
    /// The caller's: it has closed the connection.
    case closed
    /// The caller's: its task was cancelled. What it asked for may happen all the same.
    case cancelled

    /// The network's or the server's: no connection could be made.
    case unreachable(String)
    /// The network's or the server's: the connection broke. The statement under way may have happened or not.
    case connectionLost(String)
    /// The server's: it ends connections that are idle for longer than its `idle_session_timeout`.
    case idledOut(String)
    /// The network's or the server's: no result within this time.
    case timedOut(Duration)

    /// The server read the statement and refused it.
    case refused(PostgresRefusal)

    /// A sentence without its full stop.
    package var description: String {
        switch self {
        case .misuse(let reason): reason
        case .closed: "the database connection was closed"
        case .cancelled: "the database call was cancelled"
        case .unreachable(let reason): "the database cannot be reached: \(reason)"
        case .connectionLost(let reason): "the database connection was lost: \(reason)"
        case .idledOut(let reason): "the database ended an idle connection: \(reason)"
        case .timedOut(let limit): "the database did not answer within \(limit)"
        case .refused(let refusal): refusal.description
        }
    }
}

extension PostgresError {
    /// Whether the connection cannot be used any more after this error.
    package var endsConnection: Bool {
        switch self {
        case .connectionLost, .idledOut, .unreachable, .closed: true
        case .misuse, .cancelled, .timedOut, .refused: false
        }
    }
}

/// A server's error report (PostgreSQL documentation, "Error and Notice Message Fields").
package struct PostgresRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The SQLSTATE, five characters such as `23514` (PostgreSQL documentation, "PostgreSQL Error Codes").
    package let sqlState: String
    /// What is wrong, in one bounded line, in the server's language.
    package let message: String
    /// More about it, in one bounded line; nil where the server does not say.
    package let detail: String?
    /// What to do about it; nil where the server does not say.
    package let hint: String?
    /// The name of the server's function that raised the error, the same in every language; nil where the server does not
    /// say.
    package let origin: String?

    /// An error report with these fields.
    package init(
        sqlState: String, message: String, detail: String? = nil, hint: String?, origin: String? = nil
    ) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.origin = origin
    }

    /// A sentence without its full stop.
    package var description: String {
        let advice = hint.map { " (\($0))" } ?? ""
        return "the database refused: \(message)\(advice) [SQLSTATE \(sqlState)]"
    }
}
