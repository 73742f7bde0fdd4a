#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The system's clock that is never set: for measuring how long something takes.
package enum MonotonicClock {
    /// Nanoseconds since some moment before the program began (`CLOCK_MONOTONIC`, clock_gettime(2)); measured, one read
    /// takes 20 ns.
    package static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000
            &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }
}
