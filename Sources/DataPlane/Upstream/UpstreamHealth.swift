/// What an upstream did so far, as everybody or as one tenant sees it: passive ejection and slow return. All times are
/// ticks of the loop.
struct UpstreamHealth: Equatable {
    private var failuresInARow = 0
    /// How often it was ejected since it last worked for a whole return.
    private var ejections: UInt32 = 0
    private var ejectedUntil: UInt32?

    /// Whether requests may go there, and how readily.
    enum Availability: Equatable {
        case ejected
        /// Back again: the share of its requests that it gets, in percent.
        case returning(percent: UInt32)
        case full

        /// The worse of the two.
        func or(_ other: Availability) -> Availability {
            switch (self, other) {
            case (.ejected, _), (_, .ejected): .ejected
            case (.returning(let one), .returning(let two)): .returning(percent: min(one, two))
            case (.full, let worse), (let worse, .full): worse
            }
        }
    }

    func availability(at tick: UInt32) -> Availability {
        guard let ejectedUntil else { return .full }
        guard tick >= ejectedUntil else { return .ejected }
        let since = tick - ejectedUntil
        guard since < Limits.returnTicks else { return .full }
        return .returning(percent: max(1, since * 100 / Limits.returnTicks))
    }

    /// A response came, whatever its status.
    mutating func succeeded(at tick: UInt32) {
        failuresInARow = 0
        guard ejections > 0, availability(at: tick) == .full else { return }
        ejections = 0
        ejectedUntil = nil
    }

    /// A connection was made: the failures before it are no row. What it is good for is not known yet.
    mutating func connected(at tick: UInt32) {
        if availability(at: tick) == .full { failuresInARow = 0 }
    }

    /// It failed once more. One that is only just back is ejected at once, for longer. Whether it is ejected by that.
    @discardableResult
    mutating func failed(at tick: UInt32) -> Bool {
        let before = availability(at: tick)
        guard before != .ejected else { return false }
        failuresInARow += 1
        if before == .full, failuresInARow < Limits.failuresToEject { return false }
        return eject(at: tick)
    }

    /// Leaves it out for a time, a longer one if it is only just back; false where it was left out already.
    @discardableResult
    mutating func eject(at tick: UInt32) -> Bool {
        let before = availability(at: tick)
        guard before != .ejected else { return false }
        if before == .full { ejections = 0 }
        failuresInARow = 0
        let time = min(Limits.ejectionTicks << min(ejections, 8), Limits.longestEjectionTicks)
        ejections += 1
        ejectedUntil = tick &+ time
        return true
    }
}
