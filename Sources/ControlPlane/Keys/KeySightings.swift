package import Gatekeeper
package import JOSE

/// A key that a pool published, and when this gateway saw it.
package struct KeySighting: Sendable, Equatable {
    /// The key's id.
    package let keyID: KeyID
    /// When a fetch first brought the key.
    package let firstSeen: Instant
    /// When a fetch last brought it.
    package internal(set) var lastSeen: Instant
}

/// Which keys a pool has published since this gateway began to ask: its rotations. Bounded, since a key endpoint decides
/// how many there are; those that were seen longest ago are forgotten first.
struct KeySightings: Sendable {
    /// The newest key first.
    private(set) var all: [KeySighting] = []

    /// Takes the keys that a fetch brought at `now`.
    mutating func saw(_ keyIDs: [KeyID], at now: Instant) {
        for keyID in keyIDs {
            if let index = all.firstIndex(where: { $0.keyID == keyID }) {
                all[index].lastSeen = now
            } else {
                all.insert(KeySighting(keyID: keyID, firstSeen: now, lastSeen: now), at: 0)
            }
        }
        while all.count > Limits.sightingsOfPool, let last = all.map(\.lastSeen).min(),
            let index = all.lastIndex(where: { $0.lastSeen == last })
        {
            all.remove(at: index)
        }
    }
}
