import Gatekeeper
import Platform

/// The clocks of one loop: a coarse one by which waits end, and the wall clock for what tokens and logs say.
///
/// A class, since everything on the loop reads the same tick.
final class LoopClock {
    /// Steps of `Limits.tick` since the start.
    private(set) var tick: UInt32 = 0
    private var dateSecond: Int64 = .min
    private var dateText: [UInt8] = []

    /// Moves on by one step.
    func advance() {
        tick &+= 1
    }

    /// The wall clock, for a token's times.
    var now: Instant {
        Instant(nanoseconds: WallClock.nanoseconds)
    }

    /// `Date` of the gateway's own responses (RFC 9110 §5.6.7), made once a second.
    func date() -> [UInt8] {
        let second = now.seconds(since: Instant(nanoseconds: 0))
        if second != dateSecond {
            dateSecond = second
            dateText = HTTPDate.bytes(secondsSinceEpoch: second)
        }
        return dateText
    }
}
