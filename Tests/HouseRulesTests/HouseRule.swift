import Testing

/// A place that breaks a rule.
struct Finding: CustomStringConvertible, Equatable {
    let file: String
    let line: Int
    let text: String

    var description: String { "\(file):\(line): \(text)" }
}

/// One rule of the house, as a function over a file's path and text, with made-up sources that break it and some
/// that look as if they did.
struct HouseRule: CustomTestStringConvertible, Sendable {
    /// Where a rule does not hold, and why: the named files, or only findings with `text` in them.
    struct Exception: Sendable {
        /// As `Module/File.swift`.
        let files: Set<String>
        /// What the finding's text must contain; nil excuses the whole file.
        let text: String?
        let reason: String

        init(_ files: Set<String>, _ text: String? = nil, because reason: String) {
            (self.files, self.text, self.reason) = (files, text, reason)
        }

        func excuses(_ finding: Finding, in file: SwiftFile) -> Bool {
            files.contains(file.shortPath) && (text.map { finding.text.contains($0) } ?? true)
        }
    }

    let claim: String
    /// The targets that it looks at; empty for every one.
    var targets: Set<String> = []
    var exceptions: [Exception] = []
    /// Sources that the rule must find something in, each in another spelling.
    let violations: [String]
    /// Sources that look alike and keep the rule.
    let innocents: [String]
    /// Everything in the file that breaks the rule, exceptions included.
    let findings: @Sendable (SwiftFile) -> [Finding]

    var testDescription: String { claim }

    /// What breaks the rule without an excuse, and the excuses that nothing needs.
    func breaches(in files: [SwiftFile]) -> [String] {
        var found: [String] = []
        var unneeded = Set(
            exceptions.indices.flatMap { index in exceptions[index].files.map { Excuse(index, $0) } })
        for file in files where targets.isEmpty || targets.contains(file.target) {
            for finding in findings(file) {
                if let index = exceptions.firstIndex(where: { $0.excuses(finding, in: file) }) {
                    unneeded.remove(Excuse(index, file.shortPath))
                } else {
                    found.append("\(finding)")
                }
            }
        }
        return found
            + unneeded.map { excuse in
                let text = exceptions[excuse.index].text.map { " with \($0)" } ?? ""
                return "the exception for \(excuse.file)\(text) is no longer needed"
            }.sorted()
    }

    private struct Excuse: Hashable {
        let index: Int
        let file: String

        init(_ index: Int, _ file: String) { (self.index, self.file) = (index, file) }
    }
}

extension SwiftFile {
    /// A finding at this token: the text of the line it begins on.
    func finding(at token: Token, _ text: String? = nil) -> Finding {
        let line = lines[token.line - 1].trimmingPrefix { $0 == " " }
        return Finding(file: path, line: token.line, text: text ?? String(line))
    }

    /// A finding for each place where `matches` holds of a token and its place among the file's tokens.
    func findings(where matches: (Token, Int) -> Bool) -> [Finding] {
        var found: [Finding] = []
        for (index, token) in tokens.enumerated() where matches(token, index) {
            let next = finding(at: token)
            if found.last != next { found.append(next) }
        }
        return found
    }

    func findings(ofWords words: Set<String>) -> [Finding] {
        findings { token, _ in token.kind == .word && words.contains(token.text) }
    }

    /// The token `offset` places from `index`, if there is one.
    func token(_ index: Int, _ offset: Int) -> Token? {
        tokens.indices.contains(index + offset) ? tokens[index + offset] : nil
    }
}
