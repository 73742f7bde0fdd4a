/// So many at once, then one every interval; a pure value, time is passed in.
struct TokenBucket: Sendable {
    private let capacity: Int
    private let interval: Duration
    private var tokens: Int
    private var counted: ContinuousClock.Instant?

    /// Starts full: `capacity` tokens, one regained every `interval`.
    init(capacity: Int, interval: Duration) {
        self.capacity = capacity
        self.interval = interval
        self.tokens = capacity
    }

    /// Takes a token where there is one.
    mutating func take(at now: ContinuousClock.Instant) -> Bool {
        guard available(at: now) > 0 else { return false }
        tokens -= 1
        return true
    }

    /// How many tokens there are.
    mutating func available(at now: ContinuousClock.Instant) -> Int {
        guard let last = counted, tokens < capacity else {
            counted = now
            return tokens
        }
        let elapsed = last.duration(to: now)
        if elapsed >= interval * capacity {
            tokens = capacity
            counted = now
        } else if elapsed >= interval {
            let regained = Int(elapsed / interval)
            tokens = min(capacity, tokens + regained)
            counted = tokens == capacity ? now : last + interval * regained
        }
        return tokens
    }

    /// When the next token can be taken: `now` where there is one already.
    mutating func nextToken(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard available(at: now) == 0, let counted else { return now }
        return counted + interval
    }
}
