import Gatekeeper
import Glibc

extension Instant {
    /// The wall clock now.
    static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let seconds = Instant(seconds: Int64(time.tv_sec)).nanoseconds
        return Instant(nanoseconds: seconds.addingReportingOverflow(Int64(time.tv_nsec)).partialValue)
    }
}
