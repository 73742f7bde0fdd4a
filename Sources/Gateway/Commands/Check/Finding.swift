/// One thing that `poolgate check` looked at, and what it found.
struct Finding: Codable, Sendable, Equatable {
    /// How it stands.
    enum Level: String, Codable, Sendable {
        case good = "ok"
        /// The gateway would serve, but not for ever, or not all that was meant.
        case warning = "warn"
        /// The gateway would not start, or not serve something that it is to serve.
        case failure = "fail"
    }

    let level: Level
    /// What was looked at, such as `database` or `upstream http://127.0.0.1:3000`.
    let subject: String
    /// What was found, a sentence without its full stop.
    let finding: String
    /// What to do about it; absent where all is well, or where the finding says it.
    let advice: String?

    /// Something that is as it should be.
    static func good(_ subject: String, _ finding: String) -> Finding {
        Finding(level: .good, subject: subject, finding: finding, advice: nil)
    }

    /// Something that somebody should look at before it becomes worse.
    static func warning(_ subject: String, _ finding: String, _ advice: String? = nil) -> Finding {
        Finding(level: .warning, subject: subject, finding: finding, advice: advice)
    }

    /// Something that must be mended.
    static func failure(_ subject: String, _ finding: String, _ advice: String? = nil) -> Finding {
        Finding(level: .failure, subject: subject, finding: finding, advice: advice)
    }

    /// The finding on one line for a person.
    var line: String {
        let mark =
            switch level {
            case .good: "ok    "
            case .warning: "warn  "
            case .failure: "FAIL  "
            }
        return mark + ShownText.line("\(subject): \(finding)" + (advice.map { "; \($0)" } ?? ""))
    }

    /// The first of many names, and how many more there are: `a, b, c and 7 more`.
    static func some(_ names: [String]) -> String {
        let shown = names.prefix(Limits.namesShown).joined(separator: ", ")
        return names.count > Limits.namesShown
            ? "\(shown) and \(names.count - Limits.namesShown) more" : shown
    }
}
