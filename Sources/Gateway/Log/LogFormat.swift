/// How a log line is written.
enum LogFormat: String, Sendable, CaseIterable {
    case json, text
}
