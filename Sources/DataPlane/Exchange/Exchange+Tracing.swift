import Gatekeeper
import HTTPMessage
import NIOCore

/// How an exchange is part of a trace (W3C Trace Context, level 1).
extension Exchange {
    /// Finds out how the request is part of a trace, and what its upstream is told of that.
    ///
    /// Where no traces are exported, what the client says passes as it is, and no trace begins here: a span that nobody
    /// exports would be a parent that is missing in the trees of others, and a trace begun without being recorded would
    /// keep every service behind from recording it that goes by its parent.
    func findTrace() -> TraceLines {
        let heard = head.saysTrace ? headBytes.withUnsafeReadableBytes { HeardTrace(head, $0) } : nil
        guard worker.sampler != nil else {
            guard let heard, let parent = heard.parent else { return .none }
            trace = RequestTrace(id: parent.trace, parent: parent.span, spans: nil)
            return .asTheyAre(state: heard.passesState)
        }
        trace = worker.sampler?.trace(
            heard?.parent, isTrusted: peer.way.isTrusted, at: worker.clock.tick, &worker.ids)
        let passesState = heard?.passesState ?? false
        guard let trace else { return .none }
        if let spans = trace.spans {
            return .parent(
                TraceParent(trace: trace.id, span: spans.client, isSampled: true), state: passesState)
        }
        if let parent = heard?.parent, !parent.isSampled { return .asTheyAre(state: passesState) }
        // Its span is nobody's, which does no harm: whoever goes by it does not record the trace either.
        guard let span = SpanID(worker.ids.next()) else { return .none }
        return .parent(TraceParent(trace: trace.id, span: span, isSampled: false), state: passesState)
    }

    /// Leaves a record of a request whose spans are to be exported; takes no time, and waits for nobody.
    func leaveSpans(_ record: RequestRecord) {
        guard record.trace?.spans != nil else { return }
        worker.settings.traces?.records.append(record)
    }
}
