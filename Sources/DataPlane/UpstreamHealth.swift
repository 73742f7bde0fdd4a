/// What an upstream's answers so far say of it: passive ejection and slow return. All times are ticks of the loop.
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
    }

    func availability(at tick: UInt32) -> Availability {
        guard let ejectedUntil else { return .full }
        guard tick >= ejectedUntil else { return .ejected }
        let since = tick - ejectedUntil
        guard since < Limits.returnTicks else { return .full }
        return .returning(percent: max(1, since * 100 / Limits.returnTicks))
    }

    /// An answer came, whatever its status.
    mutating func succeeded(at tick: UInt32) {
        failuresInARow = 0
        guard ejections > 0, availability(at: tick) == .full else { return }
        ejections = 0
        ejectedUntil = nil
    }

    /// No connection, no answer in time, or a broken one. One that is only just back is ejected at once, for longer.
    mutating func failed(at tick: UInt32) {
        let before = availability(at: tick)
        guard before != .ejected else { return }
        failuresInARow += 1
        if before == .full, failuresInARow < Limits.failuresToEject { return }
        if before == .full { ejections = 0 }
        failuresInARow = 0
        let time = min(Limits.ejectionTicks << min(ejections, 8), Limits.longestEjectionTicks)
        ejections += 1
        ejectedUntil = tick &+ time
    }
}
