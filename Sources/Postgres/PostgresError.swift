/// Why a database call did not succeed, grouped by whose fault it was. No description holds a password.
package enum PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The caller's: an unreadable URL, a NUL byte in a parameter, a result read as something else.
    case misuse(String)
    /// The caller's: the connection was closed by it.
    case closed
    /// The caller's: its task was cancelled. What it asked for may still happen.
    case cancelled

    /// The network's or the server's: no connection could be made.
    case unreachable(String)
    /// The network's or the server's: the connection broke. What was under way may or may not have happened.
    case connectionLost(String)
    /// The server's: it ends connections that are idle for longer than its `idle_session_timeout`.
    case idledOut(String)
    /// The network's or the server's: no answer within this time.
    case timedOut(Duration)

    /// The server read the command and said no.
    case refused(PostgresRefusal)

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
    /// Whether the connection is gone with it.
    package var isEnd: Bool {
        switch self {
        case .connectionLost, .idledOut, .unreachable, .closed: true
        case .misuse, .cancelled, .timedOut, .refused: false
        }
    }
}

/// A server's error report (PostgreSQL documentation, "Error and Notice Message Fields").
package struct PostgresRefusal: Hashable, Sendable, CustomStringConvertible {
    /// Five characters, such as `23514`.
    package let sqlState: String
    package let message: String
    package let hint: String?
    /// The server's own function that complains, which no translation touches; nil where it does not say.
    package let origin: String?

    package init(sqlState: String, message: String, hint: String?, origin: String? = nil) {
        self.sqlState = sqlState
        self.message = message
        self.hint = hint
        self.origin = origin
    }

    package var description: String {
        let advice = hint.map { " (\($0))" } ?? ""
        return "the database refused: \(message)\(advice) [SQLSTATE \(sqlState)]"
    }
}

/// A NOTICE, WARNING or other remark that the server made while it ran a script.
package struct PostgresNotice: Hashable, Sendable, CustomStringConvertible {
    /// `NOTICE`, `WARNING`, …, never translated.
    package let severity: String
    package let message: String

    package var description: String { "\(severity): \(message)" }
}

/// Brings libpq's and the server's messages into one bounded line without secrets.
struct MessageCleaner: Sendable {
    private let secrets: [[UInt8]]
    /// The keywords of the connection string.
    private let words: Set<String>

    /// `secrets` are what no message shows, `words` the connection string's keywords.
    init(secrets: [String], words: Set<String> = []) {
        // The longest first, for a shorter one may be a part of it.
        self.secrets = secrets.filter { !$0.isEmpty }.map { Array($0.utf8) }.sorted { $0.count > $1.count }
        self.words = words
    }

    /// The same for what libpq says of the connection string itself: its values, which it quotes, are left out, and may
    /// hold quotes themselves. The keyword at the end is kept.
    func cleanComplaint(_ message: UnsafePointer<CChar>?) -> String {
        guard let message else { return "no reason given" }
        let text = clean(String(cString: message))
        guard let quote = text.firstIndex(of: "\"") else { return text }
        let keyword = text.split(separator: "\"").last.map(String.init) ?? ""
        let end = "\"\(keyword)\""
        let isNamed = words.contains(keyword) && text.hasSuffix(end)
        return text[..<quote] + (isNamed ? "… for \(end)" : "…")
    }

    func clean(_ message: UnsafePointer<CChar>?) -> String {
        guard let message else { return "no reason given" }
        return clean(String(cString: message))
    }

    func clean(_ message: String) -> String {
        var bytes = Array(message.utf8)
        for secret in secrets { bytes = Self.replacing(secret, in: bytes) }
        var line: [UInt8] = []
        for byte in bytes {
            let isBlank = byte <= 0x20 || byte == 0x7F
            if isBlank, line.last == 0x20 || line.isEmpty { continue }
            line.append(isBlank ? 0x20 : byte)
        }
        while line.last == 0x20 { line.removeLast() }
        if line.count > Limits.messageBytes {
            var end = Limits.messageBytes
            while end > 0, line[end] & 0xC0 == 0x80 { end -= 1 }
            line.removeSubrange(end...)
            line.append(contentsOf: "…".utf8)
        }
        return String(decoding: line, as: UTF8.self)
    }

    private static func replacing(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: secret) {
                result.append(contentsOf: "***".utf8)
                index += secret.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }
}
