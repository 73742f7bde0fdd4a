extension SwiftFile {
    /// The string literals, those that `+` joins as one.
    func literals() -> [(token: Token, text: String)] {
        var found: [(token: Token, text: String)] = []
        var isJoined = false
        for (index, token) in tokens.enumerated() {
            if token.kind == .string {
                if isJoined, let last = found.popLast() {
                    found.append((last.token, last.text + token.text))
                } else {
                    found.append((token, token.text))
                }
            }
            isJoined = token.is("+") && self.token(index, -1)?.kind == .string
        }
        return found
    }
}

/// What a text must look like to be taken for SQL.
enum SQLText {
    /// Words that a statement begins with, each with words one of which comes second.
    private static let pairs: [String: Set<String>] = [
        "insert": ["into"], "delete": ["from"], "lock": ["table"], "start": ["transaction"],
        "set": ["local", "session", "role", "search_path", "transaction"],
        "begin": ["isolation", "transaction", "read", "work"],
        "truncate": ["table", "only"], "refresh": ["materialized"],
        "grant": ["select", "insert", "update", "delete", "usage", "execute", "all", "connect"],
        "revoke": ["select", "insert", "update", "delete", "usage", "execute", "all", "connect"],
    ]
    private static let objects: Set = [
        "table", "schema", "role", "user", "function", "procedure", "view", "index", "trigger", "type",
        "database",
        "extension", "sequence", "domain", "policy", "or", "unique", "temporary", "temp", "materialized",
        "event",
    ]
    /// Words that only go on with a statement, or are too common to begin one in lower case.
    private static let loud: Set = [
        "SELECT", "FROM", "WHERE", "JOIN", "VALUES", "RETURNING", "UNION", "BEGIN", "COMMIT", "ROLLBACK",
        "LISTEN",
        "NOTIFY", "UNLISTEN", "TRUNCATE", "VACUUM", "ANALYZE", "LOCK", "DECLARE", "FETCH",
    ]

    static func isStatement(_ text: String) -> Bool {
        // A placeholder is nothing but SQL.
        if text.firstIndex(of: "$").map({ text[$0...].dropFirst().first?.isNumber == true }) == true {
            return true
        }
        let statement = text.split(separator: "\n", omittingEmptySubsequences: true).drop { line in
            line.drop { $0.isWhitespace }.hasPrefix("--")
        }.prefix(20).joined(separator: "\n")
        let words = statement.split(maxSplits: 40) { $0.isWhitespace || $0 == ";" }.map(String.init)
        guard let first = words.first else { return false }
        let second = words.dropFirst().first?.lowercased() ?? ""
        if loud.contains(first) { return true }
        switch first.lowercased() {
        case "select": return words.contains { $0.lowercased() == "from" } && !text.hasSuffix(".")
        case "update": return words.dropFirst(2).prefix(2).contains { $0.lowercased() == "set" }
        case "with":
            return words.contains { $0.lowercased() == "as" } && text.contains("(")
        case "copy": return words.contains { ["stdin", "stdout"].contains($0.lowercased()) }
        case "listen", "notify", "unlisten": return words.count == 2 && second.contains("_")
        case "create", "alter", "drop": return objects.contains(second)
        case let verb: return pairs[verb]?.contains(second) == true
        }
    }
}
