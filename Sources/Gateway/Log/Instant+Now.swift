import Gatekeeper
import Platform

extension Instant {
    /// The wall clock now.
    static var now: Instant { Instant(nanoseconds: WallClock.nanoseconds) }
}
