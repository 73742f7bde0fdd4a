import Foundation
import Glibc
import Platform

/// What commands print: results on standard output, sentences about what went wrong and progress on standard error.
enum Output {
    /// Prints a line on standard output, unbuffered. It may hold what others wrote only where that was made printable
    /// (`ShownText`, `TextTable`, `json`).
    static func line(_ text: String) { write("\(text)\n", to: STDOUT_FILENO) }

    /// Prints a sentence on standard error.
    static func complaint(_ sentence: String) { write("poolgate: \(sentence)\n", to: STDERR_FILENO) }

    /// Prints bytes on standard output as they are, for what programs read.
    static func bytes(_ bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

    /// Prints rows in columns. The first row is the heading.
    static func table(_ rows: [[String]]) {
        table(TextTable(rows.first ?? [], rows: Array(rows.dropFirst())))
    }

    /// Prints a table, on a terminal not wider than its window.
    static func table(_ table: TextTable) {
        for text in table.lines(width: columns) { line(text) }
    }

    /// Prints a value as one document of JSON, whose members are in the order of their names.
    static func json(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        line(text(value, encoder))
    }

    /// Prints a value as one line of JSON, for outputs that go on.
    static func jsonLine(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        line(text(value, encoder))
    }

    /// Whether a person reads standard output.
    static var isRead: Bool { Terminal.isTerminal(STDOUT_FILENO) }

    /// Columns of the window that standard output is shown in; nil where it goes elsewhere.
    static var columns: Int? { isRead ? Terminal.columns(STDOUT_FILENO) : nil }

    /// Columns of the window that progress is shown in; nil where nobody watches standard error.
    static var progressColumns: Int? {
        guard Terminal.isTerminal(STDERR_FILENO) else { return nil }
        return Terminal.columns(STDERR_FILENO) ?? Limits.assumedColumns
    }

    /// Writes on the line that the cursor is on, and leaves the cursor at its beginning.
    static func progress(_ text: String) { write("\r\(text)\r", to: STDERR_FILENO) }

    /// An encoder fails only for numbers that JSON has no form for, and none of our values has such a number.
    private static func text(_ value: some Encodable, _ encoder: JSONEncoder) -> String {
        guard let data = try? encoder.encode(value) else { return "null" }
        return ShownText.ofJSON(String(decoding: data, as: UTF8.self))
    }

    private static func write(_ text: String, to descriptor: Int32) {
        write(Array(text.utf8), to: descriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                // Some terminals and pipes do not block; whoever reads is waited for all the same.
                var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wanted, 1, -1)
            } else if count == 0 || errno != EINTR {
                guard descriptor == STDOUT_FILENO else { return }
                fail(errno)
            }
        }
    }

    /// Ends the process where standard output takes no more: half a list must not pass for a whole one, such as an export
    /// that did not fit on the disk. One that nobody reads any more is silent about it, as in `poolgate export | head`.
    private static func fail(_ error: Int32) -> Never {
        if error != EPIPE {
            complaint("standard output is cut short: \(String(cString: strerror(error)))")
        }
        ProcessEnd.with(ExitStatus.unprinted.rawValue)
    }
}
