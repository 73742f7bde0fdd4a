/// A point of the wall clock, in whole nanoseconds since 1970-01-01T00:00:00Z.
///
/// Always a parameter, never read here. Arithmetic saturates, so that no claim can overflow it.
package struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the epoch.
    package let nanoseconds: Int64

    /// The instant `nanoseconds` after the epoch.
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The instant `seconds` after the epoch; saturates beyond the year 2262.
    package init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self.nanoseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// This instant moved by `seconds`, which may be negative; saturates.
    package func advanced(bySeconds seconds: Int64) -> Instant {
        let step = Instant(seconds: seconds).nanoseconds
        let (sum, overflow) = nanoseconds.addingReportingOverflow(step)
        return Instant(nanoseconds: overflow ? (step < 0 ? .min : .max) : sum)
    }

    /// Whole seconds from `earlier` to this instant, rounded down; saturates.
    package func seconds(since earlier: Instant) -> Int64 {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        if overflow { return nanoseconds < earlier.nanoseconds ? .min : .max }
        return difference / 1_000_000_000
    }

    /// Whether `left` comes before `right`.
    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant before every other.
    package static let distantPast = Instant(nanoseconds: .min)
    /// The instant after every other.
    package static let distantFuture = Instant(nanoseconds: .max)
}
