/// When the parts of one exchange happened, as nanoseconds of the monotonic clock; 0 where a part did not happen.
package struct ExchangeTimes: Sendable, Equatable {
    /// The request's head had come whole.
    package var came: UInt64 = 0
    /// The request was admitted, after every wait for a turn or a key.
    package var judged: UInt64 = 0
    /// The user pool was asked for a key.
    package var keyAsked: UInt64 = 0
    /// The user pool's word of the key came.
    package var keyCame: UInt64 = 0
    /// A connection to the upstream was at hand; the same as `judged` where nothing was waited for.
    package var connected: UInt64 = 0
    /// The request's head was handed to the system, on its way upstream.
    package var sent: UInt64 = 0
    /// The head of the upstream's final response had come.
    package var responded: UInt64 = 0
    /// The response was handed to the system whole, or the request refused.
    package var done: UInt64 = 0

    /// The times of an exchange of which nothing has happened.
    package init() {}

    /// Nanoseconds from the request's head to the response's end; nil where there was no whole head.
    package var total: UInt64? { ExchangeTimes.between(came, done) }

    /// Nanoseconds that the gateway itself needed until the request was on its way upstream, or refused: everything
    /// but the wait for a connection, and for the upstream. Nil where it did not come so far.
    package var ownShare: UInt64? {
        if judged == 0 { return total }
        guard let judging = ExchangeTimes.between(came, judged),
            let sending = ExchangeTimes.between(connected, sent)
        else { return nil }
        return judging &+ sending
    }

    /// Nanoseconds that the request waited for a connection to its upstream; nil where one was at hand.
    package var connectionWait: UInt64? {
        connected == judged ? nil : ExchangeTimes.between(judged, connected)
    }

    /// Nanoseconds from the request's head being sent to the upstream's own head; nil where there was no response.
    package var upstreamWait: UInt64? { ExchangeTimes.between(sent, responded) }

    /// Nanoseconds that the request waited for a key; nil where it did not.
    package var keyWait: UInt64? { ExchangeTimes.between(keyAsked, keyCame) }

    /// Nanoseconds from the request's head to its admission or refusal, but for the wait for a key. Nil where there was no
    /// whole head.
    package var judgement: UInt64? {
        ExchangeTimes.between(came, judged == 0 ? done : judged).map { $0 &- min($0, keyWait ?? 0) }
    }

    private static func between(_ earlier: UInt64, _ later: UInt64) -> UInt64? {
        earlier != 0 && later >= earlier ? later - earlier : nil
    }
}
