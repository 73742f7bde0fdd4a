/// The interim (1xx) responses of one request: how many there were, and how long it may still wait (RFC 9110 §15.2).
///
/// Each says that the upstream is at work, so the wait for the response begins anew; their number is bounded, and so is
/// the time for all of them together.
struct InterimResponses: Equatable, Sendable {
    private(set) var count = 0
    /// The tick by which the final response must have begun, once an interim one came.
    private var until: UInt32?

    /// Counts one more, at `tick`; gives the ticks that the next response may take, nil where this was one too many.
    mutating func came(at tick: UInt32) -> UInt32? {
        count += 1
        guard count <= Limits.interimResponses else { return nil }
        let end = until ?? tick &+ Limits.interimTicks
        until = end
        return min(Limits.responseTicks, end > tick ? end - tick : 0)
    }
}
