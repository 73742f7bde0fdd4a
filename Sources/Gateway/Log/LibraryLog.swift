import Logging

/// Turns what libraries log through swift-log into lines of the program's log: event `library`, with the logger's label and
/// the message.
struct LibraryLog: LogHandler {
    private let label: String
    private let writer: LogWriter
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level

    /// Writes to `writer` what is at least of `level`, and at least a warning, since most of what libraries say below that
    /// concerns only themselves.
    init(label: String, writer: LogWriter, level: Logger.Level) {
        self.label = label
        self.writer = writer
        self.logLevel = max(level, .warning)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let details = all.isEmpty ? nil : all.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
        writer.write(Observer.library(label, event.level, "\(event.message)", details: details))
    }
}
