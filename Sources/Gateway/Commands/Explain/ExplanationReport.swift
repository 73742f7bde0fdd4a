import Gatekeeper

/// What came of a request that somebody asked about, as JSON and as a table: its checks, and the end that they come to.
struct ExplanationReport: Codable, Sendable {
    /// When it was judged, in the form of RFC 3339.
    let time: String
    let host: String
    let method: String
    /// The checks in their order; only the last can have failed.
    let checks: [Row]
    /// Whether the request would be forwarded.
    let isForwarded: Bool
    /// How it would be refused; absent where it would be forwarded.
    let refusal: RefusalWords?

    /// One check: what lets a request pass, and what this one has. The texts are printable ASCII, times in them are in the
    /// form of RFC 3339 with the distance from now.
    struct Row: Codable, Sendable {
        let check: String
        let expected: String
        let found: String
        let isGood: Bool

        enum CodingKeys: String, CodingKey {
            case check, expected, found
            case isGood = "ok"
        }
    }

    /// A refusal, as the log names it and as the guide explains it.
    struct RefusalWords: Codable, Sendable {
        let status: Int
        let code: String
        /// When it comes about.
        let meaning: String
        /// What to do about it.
        let remedy: String
    }

    enum CodingKeys: String, CodingKey {
        case time, host, method, checks
        case isForwarded = "forwarded"
        case refusal
    }

    /// The report of an explanation that was made at `now`.
    init(_ request: ExplanationRequest, _ explanation: Explanation, at now: Instant) {
        time = now.timestamp
        host = Printable.text(request.host)
        method = Printable.text(request.method)
        checks = explanation.lines.map { line in
            Row(
                check: line.name, expected: Printable.text(line.expected),
                found: Printable.text(line.actual), isGood: line.passed)
        }
        isForwarded = explanation.refusal == nil
        refusal = explanation.refusal.map { refusal in
            let row = refusal.row
            return RefusalWords(
                status: row.status.code, code: row.code, meaning: row.meaning, remedy: row.remedy)
        }
    }

    /// The checks for a person.
    var table: TextTable {
        TextTable(
            ["", "check", "expected", "found"],
            rows: checks.map { [$0.isGood ? "ok" : "FAIL", $0.check, $0.expected, $0.found] })
    }

    /// What the request comes to, in one sentence without its full stop.
    var conclusion: String {
        guard let refusal else { return "the request would be forwarded" }
        return "the request would be refused: \(refusal.status) \(refusal.code)"
    }
}
