import DataPlane
import Dispatch
import Gatekeeper
import Glibc
import Logging
import Platform
import Synchronization

/// Writes the log, on a thread of its own: lines from anywhere in the program, and the records that the event loops leave in
/// a ring.
///
/// Nobody waits for the log: what does not fit while it is not read is counted, and the count is written later.
/// A class, because the whole program shares it.
final class LogWriter: Sendable {
    private let descriptor: Int32
    private let format: LogFormat
    private let level: Logger.Level
    private let records: RecordRing
    /// Gets the refusals, whatever the log's level.
    private let events: EventHub
    private let state = Mutex(State())
    /// Wakes the thread.
    private let wake = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private struct State {
        var lines: [LogLine] = []
        var dropped = 0
        var droppedInAll = 0
        var isEnding = false
    }

    /// Writes to the file descriptor `descriptor` what is at least of `level`. `records` is emptied several times a second,
    /// and `events` gets the refusals among them that the throttle admits.
    init(
        descriptor: Int32, format: LogFormat, level: Logger.Level, records: RecordRing,
        events: EventHub = EventHub()
    ) {
        self.descriptor = descriptor
        self.format = format
        self.level = level
        self.records = records
        self.events = events
    }

    /// Lines that were not written since the start, for there was no room for them.
    var droppedLines: Int { state.withLock { $0.droppedInAll } }

    /// Starts the thread. Call once.
    func start() {
        let isStarted = DetachedThread.start("poolgate-log") { [self] in run() }
        if !isStarted { ended.signal() }
    }

    /// Leaves a line to be written. Never blocks.
    func write(_ line: LogLine) {
        guard line.level >= level else { return }
        state.withLock { state in
            if state.lines.count < Limits.waitingLines {
                state.lines.append(line)
            } else {
                state.dropped += 1
            }
        }
        wake.signal()
    }

    /// Writes what is left, for `Limits.lastLinesTime` at most, and ends the thread.
    func end() {
        state.withLock { $0.isEnding = true }
        wake.signal()
        _ = ended.wait(timeout: .now() + Limits.lastLinesTime.dispatch)
    }

    /// What the thread does.
    private func run() {
        var throttle = RefusalThrottle()
        var isEnding = false
        while !isEnding {
            _ = wake.wait(timeout: .now() + Limits.recordPause.dispatch)
            let (lines, dropped, ending) = state.withLock { state in
                defer {
                    state.lines = []
                    state.dropped = 0
                }
                return (state.lines, state.dropped, state.isEnding)
            }
            isEnding = ending
            var bytes: [UInt8] = []
            for line in lines { bytes += line.written(as: format) }
            let (records, droppedRecords) = records.drain()
            var suppressed: [RefusalThrottle.Suppressed] = []
            var refusals: [RefusalEvent] = []
            for record in records {
                guard let line = Observer.line(record, &throttle, &suppressed) else { continue }
                if let refusal = RefusalEvent(record) { refusals.append(refusal) }
                if line.level >= level { bytes += line.written(as: format) }
            }
            throttle.advance(to: .now, finished: &suppressed)
            if isEnding { throttle.finish(&suppressed) }
            for count in suppressed { bytes += Observer.line(count).written(as: format) }
            events.take(refusals + suppressed.map { RefusalEvent($0, at: .now) })
            if dropped + droppedRecords > 0 {
                state.withLock { $0.droppedInAll += dropped + droppedRecords }
                bytes += Observer.linesDropped(dropped + droppedRecords).written(as: format)
            }
            writeAll(bytes)
        }
        ended.signal()
    }

    /// Writes the bytes, which blocks the thread until somebody reads them; gives them up where the descriptor is broken.
    private func writeAll(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Glibc.poll(&poll, 1, Limits.writePauseMilliseconds)
            } else if errno != EINTR {
                return
            }
        }
    }
}

extension Duration {
    /// The same for Dispatch, which counts in whole nanoseconds.
    var dispatch: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        return .nanoseconds(Int(clamping: seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
    }
}
