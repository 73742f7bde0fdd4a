/// What is wrong with a file that is no YAML, in words of the program's own: the parser's quote a line of the file, which may
/// hold a secret.
enum YAMLFlaw {
    /// A sentence without its full stop, for a message after the file's name: where the parser failed and over what.
    /// `complaint` is what the parser said of a file with `lineCount` lines.
    static func sentence(_ complaint: String, lineCount: Int) -> String {
        if complaint.contains("topLevelYAMLValueIsNotMapping") {
            return
                "is no YAML mapping of settings: every line is a setting's name, a colon, a blank and its value"
        }
        let place = place(in: complaint, lineCount: lineCount).map { " (line \($0))" } ?? ""
        let problem =
            problems.first { complaint.contains($0.told) }?.ours
            ?? "a line is no setting's name, colon, blank and value"
        return "is no YAML mapping of settings\(place): \(problem)"
    }

    /// Fixed words of the parser, and what they mean for settings.
    private static let problems: [(told: String, ours: String)] = [
        ("mapping values are not allowed", "a value with a colon and a blank in it needs quotes"),
        ("duplicate", "a setting stands there twice"),
        ("unexpected end of stream", "a quote or a bracket is opened and not closed"),
        ("did not find expected ',' or", "a bracket is opened and not closed"),
        (
            "cannot start any token",
            "a value begins with a sign of YAML's, such as '@', '%', '`' or a tab: put it in quotes"
        ),
        ("unknown escape character", "a backslash in double quotes: use single quotes"),
        ("could not find expected ':'", "a line without a colon behind its name"),
        ("alias", "a value begins with '*': put it in quotes"),
        ("anchor", "a value begins with '&': put it in quotes"),
        ("tag", "a value begins with '!': put it in quotes"),
        ("nonScalarValueInArray", "a list holds something else than texts"),
        ("invalid leading UTF-8", "it is not written in UTF-8"),
        ("control characters are not allowed", "it holds a control character"),
    ]

    /// The line of the first `LINE:COLUMN:` in the complaint; nil where the file has no such line.
    private static func place(in complaint: String, lineCount: Int) -> Int? {
        guard let match = complaint.firstMatch(of: #/([0-9]{1,7}):[0-9]{1,7}: error:/#),
            let line = Int(match.1), line >= 1, line <= lineCount + 1
        else { return nil }
        return line
    }
}
