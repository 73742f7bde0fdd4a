import DataPlane
import Foundation
import Gatekeeper
import Testing

@testable import Gateway

@Suite struct TraceExportTests {
    private func records(_ count: Int) -> [RequestRecord] {
        (0..<count).map { RequestRecord(time: Instant(seconds: Int64($0)), status: 200) }
    }

    @Test("A batch that is taken is gone, one that failed stays, one that is refused is counted")
    func outcomes() {
        var queue = ExportQueue()
        queue.take(records(Limits.tracesPerExport + 10), dropped: 0)
        #expect(queue.batch.count == Limits.tracesPerExport)
        #expect(queue.ended(.failed) == 1 && queue.ended(.failed) == 2)
        #expect(queue.batch.count == Limits.tracesPerExport)
        #expect(queue.ended(.taken) == 0 && queue.batch.count == 10)
        #expect(queue.ended(.refused) == 0 && queue.batch.isEmpty)
        #expect(queue.countDropped() == 10 && queue.countDropped() == 0)
    }

    @Test("However long a collector is gone, no more than the bound waits, and the rest is counted")
    func bound() {
        var queue = ExportQueue()
        for _ in 0..<10 { queue.take(records(1_000), dropped: 3) }
        #expect(queue.countDropped() == 10 * 1_000 - Limits.waitingTraces + 30)
        var left = 0
        while !queue.batch.isEmpty {
            left += queue.batch.count
            _ = queue.ended(.taken)
        }
        #expect(left == Limits.waitingTraces)
    }

    @Test("A status says whether trying again can help")
    func statuses() {
        #expect(ExportQueue.outcome(status: 200) == .taken && ExportQueue.outcome(status: 204) == .taken)
        for status in [nil, 408, 429, 500, 502, 503, 504] {
            #expect(ExportQueue.outcome(status: status) == .failed)
        }
        for status in [301, 400, 401, 403, 404, 413] {
            #expect(ExportQueue.outcome(status: status) == .refused)
        }
    }

    @Test(
        "An endpoint is a base, or the whole URL",
        arguments: [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://otel.example/a/b/", "https://otel.example/a/b/v1/traces"),
            ("https://otel.example/v1/traces", "https://otel.example/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ])
    func endpoint(text: String, url: String) {
        #expect(TracesEndpoint(text)?.url == url)
    }

    @Test(
        "What is no such URL is refused",
        arguments: [
            "", "otel.example", "ftp://otel.example", "http://", "http://a:b@otel.example", "http://a/?x",
            "http://a/#x", "http://a/ b", "http://a:99999",
        ])
    func noEndpoint(text: String) {
        #expect(TracesEndpoint(text) == nil)
    }

    @Test("Header fields are tokens with printable values, and no text shows them")
    func headers() throws {
        let headers = try #require(TracesHeaders("X-Key=se=same, x-other=b c"))
        #expect(headers.fields.map(\.name) == ["X-Key", "x-other"])
        #expect(headers.fields.map { String(decoding: $0.value.bytes, as: UTF8.self) } == ["se=same", "b c"])
        #expect(!"\(headers)".contains("same") && !String(reflecting: headers).contains("same"))
        for text in ["", "a", "=b", "a b=c", "a=", "a=\r\nb", "a=\u{E9}"] {
            #expect(TracesHeaders(text) == nil, "\(text)")
        }
        let many = (0...Limits.exportHeaders).map { "h\($0)=v" }
        #expect(TracesHeaders(many.joined(separator: ",")) == nil)
        #expect(TracesHeaders(many.dropLast().joined(separator: ",")) != nil)
    }

    @Test("Nothing to export is a document without spans")
    func empty() throws {
        let bytes = TraceDocument.bytes(records(2), version: "1", instance: "a\"b")
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: [[String: Any]]])
        let scopes = try #require(document["resourceSpans"]?.first?["scopeSpans"] as? [[String: Any]])
        #expect((scopes.first?["spans"] as? [Any])?.isEmpty == true)
    }
}
