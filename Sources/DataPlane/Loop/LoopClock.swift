import Gatekeeper
import NIOCore
import Platform

/// The clocks of one loop: a coarse one by which waits end, and the wall clock for what tokens and logs say.
///
/// A class, since everything on the loop reads the same tick.
final class LoopClock {
    /// Steps of `Limits.tick` since the start.
    private(set) var tick: UInt32 = 0
    /// What the wall clock shows beyond the monotonic one, looked at with each tick.
    private var wallOffset = LoopClock.offset()
    /// When the tick before ended, and how late the latest ticks came at most: those of this while, and of the one before.
    private var tickEnded = MonotonicClock.nanoseconds
    private var delays: (now: UInt64, before: UInt64) = (0, 0)
    private var dateSecond: Int64 = .min
    private var dateText: [UInt8] = []

    /// Moves on by one step.
    func advance() {
        tick &+= 1
        wallOffset = LoopClock.offset()
    }

    /// What a tick has to do begins: how late that is, in nanoseconds.
    func tickBegan() -> UInt64 {
        let wanted = tickEnded &+ UInt64(Limits.tick.nanoseconds)
        let now = MonotonicClock.nanoseconds
        let delay = now > wanted ? now - wanted : 0
        if tick % Limits.delayTicks == 0 { delays = (0, delays.now) }
        delays.now = max(delays.now, delay)
        return delay
    }

    /// What a tick has to do is done; the next one is due `Limits.tick` from now.
    func tickDone() {
        tickEnded = MonotonicClock.nanoseconds
    }

    /// How late the latest ticks came at most, in nanoseconds; over one to two times `Limits.delayTicks`.
    var longestDelay: UInt64 { max(delays.now, delays.before) }

    /// Nanoseconds of the monotonic clock, for measuring.
    var monotonic: UInt64 { MonotonicClock.nanoseconds }

    /// What the wall clock shows at a time of the monotonic one, as of the latest tick: one read of a clock serves both.
    func wall(at monotonic: UInt64) -> Instant {
        Instant(nanoseconds: Int64(bitPattern: monotonic) &+ wallOffset)
    }

    private static func offset() -> Int64 {
        WallClock.nanoseconds &- Int64(bitPattern: MonotonicClock.nanoseconds)
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
