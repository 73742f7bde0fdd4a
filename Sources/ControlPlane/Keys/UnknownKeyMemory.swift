import JOSE

/// The `kid`s that a pool is known not to have: requests asked for them, and a key set that was fetched afterwards lacked
/// them. Bounded: the oldest is forgotten first.
struct UnknownKeyMemory: Sendable {
    private var absentSince: [KeyID: ContinuousClock.Instant] = [:]

    /// How many are remembered.
    var count: Int { absentSince.count }

    /// When the latest set that lacked `kid` was fetched; nil where none is remembered.
    subscript(kid: KeyID) -> ContinuousClock.Instant? { absentSince[kid] }

    /// Notes that a set fetched at `now` lacks `kid`.
    mutating func remember(_ kid: KeyID, at now: ContinuousClock.Instant) {
        if absentSince[kid] == nil, absentSince.count >= Limits.unknownKeysRemembered,
            let oldest = absentSince.min(by: { $0.value < $1.value })
        {
            absentSince[oldest.key] = nil
        }
        absentSince[kid] = now
    }

    /// Forgets the `kid`s for which `isHeld` is true: the newest set holds them.
    mutating func forget(_ isHeld: (KeyID) -> Bool) {
        guard !absentSince.isEmpty else { return }
        absentSince = absentSince.filter { !isHeld($0.key) }
    }
}
