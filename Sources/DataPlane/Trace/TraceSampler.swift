/// Which requests of a loop have spans, by what their parent says or by a ratio, where traces are exported at all.
struct TraceSampler {
    /// Traces that begin here and whose last 64 bits lie below this are recorded.
    private let threshold: UInt64
    private let recordsAll: Bool
    private let startsTraces: Bool
    /// The second under way, and how many requests of clients that nobody vouches for were recorded in it because they
    /// asked for it.
    private var second: UInt32 = 0
    private var asked = 0

    /// Records `ratio` of the traces that begin here, from 0 to 1. With 0 none begins here, so that the next service may
    /// begin its own.
    init(ratio: Double) {
        recordsAll = ratio >= 1
        startsTraces = ratio > 0
        threshold = recordsAll ? .max : UInt64(max(0, ratio) * 0x1p64)
    }

    /// Decides for a request at `tick`; nil where nothing is recorded and no trace begins here.
    mutating func trace(
        _ parent: TraceParent?, isTrusted: Bool, at tick: UInt32, _ ids: inout IDGenerator
    ) -> RequestTrace? {
        guard let parent else {
            guard startsTraces, let id = TraceID(high: ids.next(), low: ids.next()) else { return nil }
            return RequestTrace(id: id, parent: nil, spans: records(id.low) ? spans(&ids) : nil)
        }
        let isRecorded =
            parent.isSampled && (isTrusted || mayAsk(at: tick) || records(ids.next()))
        return RequestTrace(id: parent.trace, parent: parent.span, spans: isRecorded ? spans(&ids) : nil)
    }

    private func records(_ bits: UInt64) -> Bool { recordsAll || bits < threshold }

    /// Whether one more client that nobody vouches for gets what it asks for in this second.
    private mutating func mayAsk(at tick: UInt32) -> Bool {
        let now = tick / Limits.ticksPerSecond
        if now != second { (second, asked) = (now, 0) }
        asked += 1
        return asked <= Limits.askedTracesPerSecond
    }

    private func spans(_ ids: inout IDGenerator) -> RequestTrace.Spans? {
        guard let server = SpanID(ids.next()), let client = SpanID(ids.next()),
            let judgement = SpanID(ids.next()), let key = SpanID(ids.next())
        else { return nil }
        return RequestTrace.Spans(server: server, client: client, judgement: judgement, key: key)
    }
}

/// Traces as the proxy is told to record them.
package struct TraceSettings: Sendable {
    /// How many of the traces that begin here are recorded, from 0 to 1.
    package let ratio: Double
    /// Where requests of recorded traces are left for whoever exports them.
    package let records: RecordRing

    /// Records so many, and leaves them there.
    package init(ratio: Double, records: RecordRing) {
        self.ratio = ratio
        self.records = records
    }
}
