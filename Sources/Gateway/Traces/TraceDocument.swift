import DataPlane
import Gatekeeper

/// Spans as OTLP writes them in JSON (OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding": ids in hexadecimal, 64-bit
/// numbers as texts).
///
/// They hold no query, no header, no subject and no byte of a token: of who is calling, traces say nothing.
struct TraceDocument {
    private var json: [UInt8] = []

    /// The bytes of the document for the spans of `records`, made by this version and instance of the program.
    static func bytes(_ records: [RequestRecord], version: String, instance: String) -> [UInt8] {
        var document = TraceDocument()
        document.write(#"{"resourceSpans":[{"resource":{"attributes":["#)
        document.writeAttributes([
            ("service.name", .text("poolgate")), ("service.version", .text(version)),
            ("service.instance.id", .text(instance)),
        ])
        document.write(#"]},"scopeSpans":[{"scope":{"name":"poolgate"},"spans":["#)
        var isFirst = true
        for record in records {
            guard let trace = record.trace, let spans = trace.spans else { continue }
            for span in TracedRequest(record, trace, spans).spans {
                if !isFirst { document.write(",") }
                isFirst = false
                document.write(span)
            }
        }
        document.write("]}]}]}")
        return document.json
    }

    private mutating func write(_ text: String) { json += text.utf8 }

    private mutating func write(_ span: TracedSpan) {
        write(#"{"traceId":"\#(span.trace)","spanId":"\#(span.id)""#)
        if let parent = span.parent { write(#","parentSpanId":"\#(parent)""#) }
        write(#","name":"#)
        JSONWords.append(span.name.utf8, to: &json)
        write(
            #","kind":\#(span.kind.rawValue),"startTimeUnixNano":"\#(span.start)","endTimeUnixNano":"\#(span.end)""#
        )
        write(#","attributes":["#)
        writeAttributes(span.attributes)
        write("]")
        if span.isFailed { write(#","status":{"code":2}"#) }
        write("}")
    }

    private mutating func writeAttributes(_ attributes: [(String, LogValue)]) {
        for (index, attribute) in attributes.enumerated() {
            if index > 0 { write(",") }
            write(#"{"key":"\#(attribute.0)","value":{"#)
            switch attribute.1 {
            case .text(let text):
                write(#""stringValue":"#)
                JSONWords.append(text.utf8, to: &json)
            case .bytes(let bytes):
                write(#""stringValue":"#)
                JSONWords.append(bytes, to: &json)
            case .number(let number): write(#""intValue":"\#(number)""#)
            case .list(let texts):
                write(#""stringValue":"#)
                JSONWords.append(texts.joined(separator: " ").utf8, to: &json)
            }
            write("}}")
        }
    }
}

/// One span.
struct TracedSpan {
    let trace: TraceID
    let id: SpanID
    let parent: SpanID?
    let name: String
    let kind: Kind
    /// Nanoseconds since 1970.
    let start: Int64
    let end: Int64
    var attributes: [(String, LogValue)] = []
    var isFailed = false

    /// As OTLP numbers them.
    enum Kind: Int {
        case `internal` = 1
        case server = 2
        case client = 3
    }
}

/// The spans of one request: it as a whole, and in it the judgement, the wait for a key, and the call of the upstream.
struct TracedRequest {
    let spans: [TracedSpan]

    init(_ record: RequestRecord, _ trace: RequestTrace, _ ids: RequestTrace.Spans) {
        let times = record.times
        // What the wall clock showed as the monotonic one showed 0.
        let offset = record.time.nanoseconds &- Int64(bitPattern: max(times.done, times.came))
        func wall(_ time: UInt64) -> Int64 { Int64(bitPattern: time) &+ offset }
        func span(
            _ id: SpanID, _ parent: SpanID?, _ name: String, _ kind: TracedSpan.Kind, _ start: UInt64,
            _ end: UInt64
        ) -> TracedSpan {
            TracedSpan(
                trace: trace.id, id: id, parent: parent, name: name, kind: kind, start: wall(start),
                end: wall(max(start, end)))
        }
        let done = max(times.done, times.came)
        var server = span(
            ids.server, trace.parent, TracedRequest.name(record), .server, times.came, done)
        server.attributes = TracedRequest.attributes(record)
        server.isFailed = record.status >= 500 || record.end == .brokenOff
        var spans = [server]
        let judged = times.judged == 0 ? done : times.judged
        spans.append(span(ids.judgement, ids.server, "judge", .internal, times.came, judged))
        if times.keyAsked != 0 {
            let came = times.keyCame == 0 ? done : times.keyCame
            spans.append(span(ids.key, ids.judgement, "wait for key", .internal, times.keyAsked, came))
        }
        if times.judged != 0, let upstream = record.upstream {
            var client = span(
                ids.client, ids.server, TracedRequest.name(record), .client, times.judged, done)
            client.attributes = [
                ("server.address", .text(upstream.origin.host)),
                ("server.port", .count(upstream.origin.port)),
            ]
            if times.responded != 0 {
                client.attributes.append(("http.response.status_code", .count(record.status)))
            }
            client.isFailed = record.status >= 500 || record.end == .brokenOff
            spans.append(client)
        }
        self.spans = spans
    }

    /// The method, of which there are few; what is none of HTTP's own is `HTTP`, as OpenTelemetry has it.
    private static func name(_ record: RequestRecord) -> String {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        return known.first { record.text.method.elementsEqual($0.utf8) } ?? "HTTP"
    }

    private static func attributes(_ record: RequestRecord) -> [(String, LogValue)] {
        var attributes: [(String, LogValue)] = [
            ("http.request.method", .bytes(Array(record.text.method))),
            ("server.address", .bytes(Array(record.text.host))),
            ("url.path", .bytes(Array(record.text.path))),
            ("http.response.status_code", .count(record.status)),
            ("poolgate.request_id", .of(record.requestID)),
        ]
        if let client = record.clientText { attributes.append(("client.address", .text(client))) }
        if let tenant = record.tenant { attributes.append(("poolgate.tenant", .of(tenant))) }
        if let rule = record.rule { attributes.append(("poolgate.rule", .number(rule))) }
        if let refusal = record.refusal { attributes.append(("poolgate.code", .text(refusal.row.code))) }
        return attributes
    }
}
