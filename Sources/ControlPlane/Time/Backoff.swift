/// How long to wait before trying again something that failed: longer with every failure, up to a bound.
///
/// A pure value. The random part keeps replicas that failed together from trying again together.
struct Backoff: Sendable {
    /// The pause after the first failure.
    let shortest: Duration
    /// No pause is longer, but for the random part.
    let longest: Duration

    /// The pause after the `failures`-th failure in a row, counted from 1: it doubles each time, and is shortened or
    /// lengthened by up to a quarter. `jitter` is a random number in 0..<1.
    func pause(afterFailures failures: Int, jitter: Double) -> Duration {
        let doubled = shortest * (1 << min(max(failures - 1, 0), 10))
        return min(doubled, longest) * (0.75 + 0.5 * jitter)
    }
}
