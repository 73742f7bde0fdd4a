import Gatekeeper

/// What of the directory is not on disk yet, and when it is to be written. A pure value.
///
/// A change is added to the journal within a fraction of a second. The whole content is written where the changes cannot
/// be told one by one, such as after a read of everything; that costs time for a hundred thousand rows, so the next time
/// lies the further away, the longer the last one took.
struct UnsavedRows: Sendable {
    /// What to do next.
    enum Work: Sendable {
        case nothing
        case changes([SavedChange])
        case everything
    }

    private var changes: [SavedChange] = []
    private var changeBytes = 0
    private var isEverythingUnsaved = false
    /// The whole content is not written before this.
    private var nextWhole: ContinuousClock.Instant?

    /// Whether anything is unsaved.
    var isEmpty: Bool { changes.isEmpty && !isEverythingUnsaved }

    /// Everything has changed, or is not known to be on disk.
    mutating func noteEverything() {
        changes = []
        changeBytes = 0
        isEverythingUnsaved = true
    }

    /// This has changed.
    mutating func note(_ change: SavedChange) {
        guard !isEverythingUnsaved else { return }
        changes.append(change)
        changeBytes += change.size
        // More than the file's own size is kept in no case: the whole content says the same.
        if changeBytes > Limits.unsavedChangeBytes { noteEverything() }
    }

    /// Takes out what is to be written now. With `isLast`, no pause is kept.
    mutating func take(at now: ContinuousClock.Instant, isLast: Bool) -> Work {
        if isEverythingUnsaved {
            if let nextWhole, now < nextWhole, !isLast { return .nothing }
            isEverythingUnsaved = false
            return .everything
        }
        guard !changes.isEmpty else { return .nothing }
        defer {
            changes = []
            changeBytes = 0
        }
        return .changes(changes)
    }

    /// The whole content was written, which took so long.
    mutating func wroteEverything(in time: Duration, at now: ContinuousClock.Instant) {
        nextWhole = now + time * Limits.wholeSaveShare
    }

    /// Writing failed: everything is to be written, after a while.
    mutating func failed(at now: ContinuousClock.Instant) {
        noteEverything()
        nextWhole = now + Limits.savePause
    }

    /// When to look again, where what is unsaved has to wait.
    func nextLook(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        isEverythingUnsaved ? max(now, nextWhole ?? now) : (changes.isEmpty ? nil : now)
    }
}
