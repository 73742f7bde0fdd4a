import JOSE

/// The `kid`s that a set lacked although it was fetched after they were asked for; bounded, the oldest is forgotten.
struct UnknownKeyMemory: Sendable {
    private var absentSince: [KeyID: ContinuousClock.Instant] = [:]

    var count: Int { absentSince.count }

    /// When the set was fetched that lacks `kid`; nil where no such set is remembered.
    subscript(kid: KeyID) -> ContinuousClock.Instant? { absentSince[kid] }

    mutating func remember(_ kid: KeyID, at now: ContinuousClock.Instant) {
        if absentSince[kid] == nil, absentSince.count >= Limits.unknownKeysRemembered,
            let oldest = absentSince.min(by: { $0.value < $1.value })
        {
            absentSince[oldest.key] = nil
        }
        absentSince[kid] = now
    }

    /// Forgets the `kid`s that a new set holds.
    mutating func forget(_ isHeld: (KeyID) -> Bool) {
        guard !absentSince.isEmpty else { return }
        absentSince = absentSince.filter { !isHeld($0.key) }
    }
}
