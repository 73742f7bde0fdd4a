package import Gatekeeper
package import JOSE

/// Which of the folder's keys are published, and which one signs. A value without I/O: time and files are told.
///
/// All usable keys are published. A key signs once it was published for `delaySeconds`, so that whoever verifies, and keeps
/// a set of keys for less than that, never meets one that it does not know. Of those the last by name signs: the same one
/// for every gateway that has the same files, whenever each of them got them. Where none is old enough, the one that signs
/// goes on, and where none does, the first by name begins: it is the one that others know.
package struct SigningKeyChoice: Sendable {
    private let delaySeconds: Int64
    /// The keys by their names, in the order of those.
    private var keys: [Held] = []
    private var signing: ES256Key?

    private struct Held: Sendable {
        let name: String
        let key: ES256Key
        /// Since when it has been published, as far as is known.
        let since: Instant
    }

    /// What holds now.
    package struct Outcome: Sendable {
        /// The keys that are published, the newest by name first.
        package let published: [ES256Key]
        /// The one that signs; nil where there is none.
        package let signing: ES256Key?
        /// From when on each key may sign, by its `kid`.
        package let ripeAt: [String: Instant]
    }

    /// No key yet; each waits for so long before it signs.
    package init(delaySeconds: Int64) {
        self.delaySeconds = delaySeconds
    }

    /// Takes the files as they are at `now`. One that gave a key before and cannot be read now keeps that key.
    package mutating func take(_ files: [SigningKeyFolder.File], at now: Instant) -> Outcome {
        var held: [Held] = []
        for file in files {
            let before = keys.first { $0.name == file.name }
            let key: ES256Key
            switch file.key {
            case .success(let read): key = read
            case .failure(.tooMany): continue
            case .failure:
                if let before { held.append(before) }
                continue
            }
            // The same key under two names counts once, under the later one.
            held.removeAll { $0.key.keyID == key.keyID }
            // A file that is written again with the same key, as Kubernetes does with all files of a secret, is as old as before.
            let known = keys.first { $0.key.keyID == key.keyID }
            held.append(
                Held(
                    name: file.name, key: known?.key ?? key,
                    since: known?.since ?? min(now, file.changedAt)))
        }
        keys = held
        return outcome(at: now)
    }

    /// What holds at `now`, with the files as they were told last.
    package mutating func outcome(at now: Instant) -> Outcome {
        let ripe = keys.last { $0.since.advanced(bySeconds: delaySeconds) <= now }
        let current = keys.first { $0.key.keyID == signing?.keyID }
        signing = (ripe ?? current ?? keys.first)?.key
        return Outcome(
            published: keys.reversed().map(\.key), signing: signing,
            ripeAt: Dictionary(
                keys.map { ($0.key.keyID, $0.since.advanced(bySeconds: delaySeconds)) },
                uniquingKeysWith: { first, _ in first }))
    }
}
