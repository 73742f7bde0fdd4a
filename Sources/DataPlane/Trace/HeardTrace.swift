import HTTPMessage

/// What a request's fields say of the trace that it is part of.
struct HeardTrace {
    /// The one `traceparent`; nil where there is none, where it is malformed, or where there are several: then the trace
    /// ends here, and `tracestate` with it (Trace Context §4.3).
    private(set) var parent: TraceParent?
    /// Whether the `tracestate` may go on.
    let passesState: Bool

    /// Reads the fields of `head`, which `bytes` begins with.
    init(_ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer) {
        var state = TraceState()
        var count = 0
        for field in head.fields where field.known == .traceparent || field.known == .tracestate {
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
            if field.known == .tracestate {
                state.take(value)
            } else {
                count += 1
                parent = count == 1 ? TraceParent(value) : nil
            }
        }
        passesState = parent != nil && state.isPassable
    }
}
