/// How a request is part of a trace.
package struct RequestTrace: Sendable {
    /// The trace.
    package let id: TraceID
    /// The span that the request came from; nil where the trace begins here.
    package let parent: SpanID?
    /// The spans that are exported of the request; nil where none is.
    package let spans: Spans?

    /// The names of a request's own spans.
    package struct Spans: Sendable {
        /// From the request's head to the response's end.
        package let server: SpanID
        /// From the search for a connection to the response's end; what is called next names it as its parent.
        package let client: SpanID
        /// The judgement, the wait for a key in it.
        package let judgement: SpanID
        /// The wait for a key.
        package let key: SpanID
    }
}

/// What a request's upstream is told of the trace.
enum TraceLines {
    /// Nothing: whatever the client said is left out.
    case none
    /// What the client said, as it is; `tracestate` only where `state`.
    case asTheyAre(state: Bool)
    /// That the gateway's own span is the parent, and the client's `tracestate` where `state`.
    case parent(TraceParent, state: Bool)

    /// Whether the client's own `traceparent` goes on.
    var keepsParent: Bool {
        if case .asTheyAre = self { true } else { false }
    }

    /// Whether the client's own `tracestate` goes on.
    var keepsState: Bool {
        switch self {
        case .none: false
        case .asTheyAre(let state), .parent(_, let state): state
        }
    }
}
