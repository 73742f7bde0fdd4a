import Foundation
import Gatekeeper
import Logging
import Testing

@testable import DataPlane
@testable import Gateway

@Suite struct LogWriterTests {
    private let ring = RecordRing(capacity: 100)

    private func record(_ refusal: Refusal?, tenant: String? = "a.example", at time: Instant) -> RequestRecord
    {
        var record = RequestRecord(
            time: time, status: refusal.map { $0.row.status.code } ?? 200,
            tenant: tenant.flatMap { HostPattern($0) }, refusal: refusal)
        record.requestID = .random()
        record.text = RecordedText(method: "GET".utf8, host: "a.example".utf8, path: "/x".utf8)
        record.spoken = .http11
        record.microseconds = 7
        return record
    }

    /// What a writer wrote until its end.
    private func written(
        level: Logger.Level = .info, format: LogFormat = .json, _ body: (LogWriter) -> Void
    ) throws -> [[String: Any]] {
        let pipe = Pipe()
        let writer = LogWriter(
            descriptor: pipe.fileHandleForWriting.fileDescriptor, format: format, level: level, records: ring)
        writer.start()
        body(writer)
        writer.end()
        try pipe.fileHandleForWriting.close()
        return try pipe.fileHandleForReading.readDataToEndOfFile().split(separator: 0x0A).map {
            try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
        }
    }

    @Test("Lines come out in their order, those below the level not at all")
    func order() throws {
        let lines = try written(level: .notice) { writer in
            for level in [Logger.Level.info, .notice, .error] {
                writer.write(LogLine(level, "\(level)_event", [:]))
            }
        }
        #expect(lines.map { $0["event"] as? String } == ["notice_event", "error_event"])
    }

    @Test("A refusal is a line with its tenant and reason; what the gateway is to blame for is a warning")
    func refusals()
        throws
    {
        let now = Instant.now
        let lines = try written { _ in
            ring.append(record(.token(.expired), at: now))
            ring.append(record(.gateway(.keysUnavailable), at: now))
            ring.append(record(.host(.unknown), tenant: nil, at: now))
            ring.append(record(nil, at: now))
        }
        #expect(lines.map { $0["event"] as? String } == ["refused", "refused", "refused", "request"])
        #expect(lines.map { $0["code"] as? String } == ["expired", "keys_unavailable", "unknown_host", nil])
        #expect(lines.map { $0["status"] as? Int } == [401, 503, 421, 200])
        #expect(lines.map { $0["level"] as? String } == ["info", "warning", "info", "info"])
        #expect(lines[0]["tenant"] as? String == "a.example" && lines[2]["tenant"] == nil)
        #expect((lines[0]["request_id"] as? String)?.count == 32 && lines[0]["path"] as? String == "/x")
        #expect(lines[3]["us"] as? Int == 7)
    }

    @Test("Fifty of a kind in one second are ten lines and a count")
    func throttled() throws {
        let now = Instant.now
        let lines = try written { _ in
            for _ in 0..<50 { ring.append(record(.token(.badSignature), at: now)) }
        }
        #expect(lines.filter { $0["event"] as? String == "refused" }.count == 10)
        let counted = lines.filter { $0["event"] as? String == "refusals_suppressed" }
        #expect(counted.count == 1 && counted[0]["suppressed"] as? Int == 40)
        #expect(
            counted[0]["code"] as? String == "bad_signature" && counted[0]["tenant"] as? String == "a.example"
        )
    }

    @Test("What does not fit is counted")
    func dropped() throws {
        // One tenant leaves a quarter of the room to the others.
        for _ in 0..<130 { ring.append(record(nil, at: .now)) }
        ring.append(record(nil, tenant: "b.example", at: .now))
        let lines = try written { _ in }
        #expect(lines.filter { $0["event"] as? String == "request" }.count == 76)
        #expect(lines.contains { $0["tenant"] as? String == "b.example" })
        #expect(lines.first { $0["event"] as? String == "log_lines_dropped" }?["dropped"] as? Int == 55)
    }

    @Test("A log that nobody reads delays neither those who write nor the end")
    func unread() throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = Pipe()
        let writer = LogWriter(
            descriptor: pipe.fileHandleForWriting.fileDescriptor, format: .json, level: .info, records: ring)
        writer.start()
        let began = ContinuousClock.now
        for number in 0..<20_000 { writer.write(LogLine(.info, "much", ["n": .count(number)])) }
        writer.end()
        #expect(.now - began < .seconds(20))
        // The writer's thread still waits for a reader. It learns that there will be none, and is awaited: were the
        // descriptor closed before, the next file to be given its number would receive the rest of these lines.
        try pipe.fileHandleForReading.close()
        writer.end()
        try pipe.fileHandleForWriting.close()
    }

    @Test("A library is heard from a warning on, under its label")
    func libraries() throws {
        let lines = try written { writer in
            var logger = Logger(label: "admin") { LibraryLog(label: $0, writer: writer, level: .info) }
            logger[metadataKey: "a"] = "1"
            logger.info("quiet")
            logger.warning("loud", metadata: ["b": "2"])
        }
        #expect(lines.count == 1 && lines[0]["event"] as? String == "library")
        #expect(lines[0]["message"] as? String == "loud" && lines[0]["details"] as? String == "a=1 b=2")
    }
}
