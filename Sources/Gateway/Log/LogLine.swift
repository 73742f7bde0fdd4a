import Gatekeeper
import Logging

/// One line of the log before it is written: a word for what happened, and fields that tell more.
struct LogLine: Sendable {
    let time: Instant
    let level: Logger.Level
    /// A word in snake_case that stays the same from version to version, so that operators can search for it.
    let event: String
    let fields: [Field]

    /// A name in snake_case, and its value.
    struct Field: Sendable {
        let name: String
        let value: LogValue
    }

    /// A line of these fields; those without a value are left out.
    init(
        _ level: Logger.Level, _ event: String, _ fields: KeyValuePairs<String, LogValue?>,
        at time: Instant = .now
    ) {
        self.time = time
        self.level = level
        self.event = event
        self.fields = fields.compactMap { name, value in value.map { Field(name: name, value: $0) } }
    }

    /// A line of these fields.
    init(_ level: Logger.Level, _ event: String, of fields: [Field], at time: Instant) {
        self.time = time
        self.level = level
        self.event = event
        self.fields = fields
    }

    private init(_ line: LogLine, fields: [Field]) {
        time = line.time
        level = line.level
        event = line.event
        self.fields = fields
    }

    /// The same line with another field at its end.
    func adding(_ name: String, _ value: LogValue) -> LogLine {
        LogLine(self, fields: fields + [Field(name: name, value: value)])
    }
}

/// What a field of a log line holds.
enum LogValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    /// Bytes that came from outside, in whatever encoding.
    case bytes([UInt8])
    case number(Int64)
    case list([String])

    init(stringLiteral text: String) { self = .text(text) }
    init(integerLiteral number: Int64) { self = .number(number) }

    /// The text of anything that has one.
    static func of(_ value: some CustomStringConvertible) -> LogValue { .text(value.description) }
    static func count(_ number: Int) -> LogValue { .number(Int64(number)) }
}
