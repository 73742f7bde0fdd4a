import Synchronization

/// Reads server-sent events (HTML Living Standard §9.2) as far as `/events` uses them: `event` and `data`, one line each.
///
/// A class, because bytes come from the thread of a transfer.
final class EventReader: Sendable {
    /// One event.
    struct Event: Sendable, Equatable {
        let name: String
        let data: [UInt8]
    }

    fileprivate struct State {
        var line: [UInt8] = []
        /// Whether the line under way is longer than the bound, and is skipped to its end.
        var isTooLong = false
        var name = ""
        var data: [UInt8] = []
    }

    private let state = Mutex(State())

    /// Takes the next bytes, and returns the events that they complete.
    func take(_ bytes: [UInt8]) -> [Event] {
        state.withLock { state in
            var events: [Event] = []
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    if let event = state.endLine() { events.append(event) }
                } else if state.line.count < Limits.eventLineBytes {
                    state.line.append(byte)
                } else {
                    state.isTooLong = true
                }
            }
            return events
        }
    }
}

extension EventReader.State {
    /// Takes the line that has ended; the event, where it is the empty line behind one.
    fileprivate mutating func endLine() -> EventReader.Event? {
        defer {
            line = []
            isTooLong = false
        }
        if line.isEmpty {
            defer { (name, data) = ("", []) }
            return data.isEmpty ? nil : EventReader.Event(name: name, data: data)
        }
        guard !isTooLong else { return nil }
        if line.starts(with: "event: ".utf8) {
            name = String(decoding: line.dropFirst(7), as: UTF8.self)
        } else if line.starts(with: "data: ".utf8) {
            data = Array(line.dropFirst(6))
        }
        return nil
    }
}
