package import Gatekeeper
package import JOSE

/// How one pool's keys are at a given time, for people and for the health table.
package struct PoolStatus: Sendable, Equatable {
    /// How the pool's latest fetch ended.
    package enum State: String, Sendable {
        /// The latest fetch succeeded.
        case ready
        /// No fetch has ended yet.
        case waiting
        /// The latest fetch failed; `keyIDs` says whether older keys serve on.
        case failing
    }

    /// The pool.
    package let pool: PoolName
    /// How its latest fetch ended.
    package let state: State
    /// The keys that tokens are verified with now.
    package let keyIDs: [KeyID]
    /// Whether these keys were kept on disk, and no fetch has succeeded since the start.
    package let areKeysFromDisk: Bool
    /// Since when this gateway, or the one whose keys it found on disk, has known each of these keys.
    package let firstSeen: [KeyID: Instant]
    /// When `state` became what it is.
    package let since: Instant
    /// When a fetch last brought a usable key set; nil before the first.
    package let lastSuccess: Instant?
    /// Until when the keys are trusted if no fetch succeeds; nil where there are none.
    package let trustedUntil: Instant?
    /// When a fetch last ended, well or not; nil before the first.
    package let lastAttempt: Instant?
    /// When the next fetch is due; nil while the first one is under way.
    package let nextAttempt: Instant?
    /// Why the latest fetch failed; nil where it succeeded.
    package let failure: KeyFetchFailure?
    /// The keys that the pool has published so far, the newest first: its rotations, as far as they are remembered.
    package let sightings: [KeySighting]
    /// The URL that its keys are fetched from, as it may be shown; nil where that is not known.
    package let endpoint: String?

    /// Why the latest fetch failed, in a sentence without its full stop; nil where it succeeded.
    package var error: String? { failure?.sentence(of: pool, at: endpoint) }
}
