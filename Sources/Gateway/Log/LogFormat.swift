/// How a log line is written.
enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line.
    case json
    /// Words for people.
    case text
}
