/// Whose tokens an entry revokes.
enum RevocationTarget: Equatable {
    /// All of one user, by `sub`.
    case subject(String)
    /// All of one sign-in, by `origin_jti`.
    case originJTI(String)
    /// One, by `jti`.
    case jti(String)
    /// All of an app client.
    case client(String)
    /// All of the pool.
    case wholePool

    /// The column of `poolgate.revocations` that says so; nil for the whole pool.
    var column: String? {
        switch self {
        case .subject: "subject"
        case .originJTI: "origin_jti"
        case .jti: "jti"
        case .client: "client_id"
        case .wholePool: nil
        }
    }

    /// What stands in that column.
    var id: String? {
        switch self {
        case .subject(let id), .originJTI(let id), .jti(let id), .client(let id): id
        case .wholePool: nil
        }
    }

    /// What an entry of the table is for.
    init(_ row: StoredRow) {
        if let id = row["subject"] {
            self = .subject(id)
        } else if let id = row["origin_jti"] {
            self = .originJTI(id)
        } else if let id = row["jti"] {
            self = .jti(id)
        } else if let id = row["client_id"] {
            self = .client(id)
        } else {
            self = .wholePool
        }
    }

    /// In words.
    var words: String {
        switch self {
        case .subject(let id): "every token of user \(id)"
        case .originJTI(let id): "every token of sign-in \(id)"
        case .jti(let id): "token \(id)"
        case .client(let id): "every token of app client \(id)"
        case .wholePool: "EVERY token of the pool"
        }
    }
}

/// A time of an entry as a command is given it.
enum RevocationTime: Equatable {
    /// A point in time, which the database reads.
    case at(String)
    /// So many milliseconds from now, in the direction that the option has.
    case away(milliseconds: Int64)

    /// Reads `2026-11-26T06:00:00Z`, or a span such as `90m` or `2h`.
    init(_ text: String) {
        if let span = Quantity.duration(text) {
            self = .away(milliseconds: Int64(span.milliseconds))
        } else {
            self = .at(text)
        }
    }
}
