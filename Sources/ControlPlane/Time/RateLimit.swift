/// Allows something `burst` times at once, and after that once every `interval`: the token bucket of network
/// schedulers, named otherwise here because a token is a JWT in this program.
///
/// A pure value: time is passed in.
struct RateLimit: Sendable {
    private let burst: Int
    private let interval: Duration
    /// How often it was still allowed when that was last counted.
    private var allowed: Int
    /// When `allowed` was counted; nil before the first use.
    private var counted: ContinuousClock.Instant?

    /// Nothing has happened yet: `burst` times are allowed at once.
    init(burst: Int, interval: Duration) {
        self.burst = burst
        self.interval = interval
        self.allowed = burst
    }

    /// Counts one more time where that is allowed at `now`; false where it is not.
    mutating func take(at now: ContinuousClock.Instant) -> Bool {
        guard available(at: now) > 0 else { return false }
        allowed -= 1
        return true
    }

    /// How many more times are allowed at `now`.
    mutating func available(at now: ContinuousClock.Instant) -> Int {
        guard let last = counted, allowed < burst else {
            counted = now
            return allowed
        }
        let elapsed = last.duration(to: now)
        if elapsed >= interval * burst {
            allowed = burst
            counted = now
        } else if elapsed >= interval {
            let regained = Int(elapsed / interval)
            allowed = min(burst, allowed + regained)
            counted = allowed == burst ? now : last + interval * regained
        }
        return allowed
    }

    /// When `take` will next succeed: `now` where it does already.
    mutating func nextChance(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard available(at: now) == 0, let counted else { return now }
        return counted + interval
    }
}
