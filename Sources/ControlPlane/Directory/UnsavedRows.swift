import Gatekeeper

/// What of the directory is not on disk yet, and when it is to be written. A pure value.
///
/// A change is added to the journal within a fraction of a second. The whole content is written where the changes cannot
/// be told one by one, such as after a read of everything; what follows such a change waits for the whole content, too, so
/// that is written soon. Where it is only the journal that has become long, the whole content has time: writing a hundred
/// thousand rows costs something, and the journal takes changes meanwhile.
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
    private var isJournalLong = false
    /// Unsaved content is not written whole before the first of these, a journal not replaced before the second.
    private var nextWhole: ContinuousClock.Instant?
    private var nextJournal: ContinuousClock.Instant?

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

    /// The journal is so long that the whole content should replace it.
    mutating func noteLongJournal() {
        isJournalLong = true
    }

    /// Takes out what is to be written now. With `isLast`, no pause is kept, and a long journal stays.
    mutating func take(at now: ContinuousClock.Instant, isLast: Bool) -> Work {
        let isWholeDue = isLast ? isEverythingUnsaved : wholeTime(at: now).map { $0 <= now } ?? false
        guard isWholeDue || !isEverythingUnsaved && !changes.isEmpty else { return .nothing }
        let taken = changes
        changes = []
        changeBytes = 0
        guard isWholeDue else { return .changes(taken) }
        isEverythingUnsaved = false
        isJournalLong = false
        return .everything
    }

    /// The whole content was written, which took so long.
    mutating func wroteEverything(in time: Duration, at now: ContinuousClock.Instant) {
        nextWhole = now + min(time * Limits.wholeSaveShare, Limits.longestWholePause)
        nextJournal = now + time * Limits.wholeSaveShare
    }

    /// Writing failed: everything is to be written, after a while.
    mutating func failed(at now: ContinuousClock.Instant) {
        noteEverything()
        nextWhole = now + Limits.savePause
    }

    /// When to look again, where what is unsaved has to wait.
    func nextLook(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        if !changes.isEmpty { return now }
        return wholeTime(at: now)
    }

    /// When the whole content is to be written; nil where it need not be.
    private func wholeTime(at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        if isEverythingUnsaved { return max(now, nextWhole ?? now) }
        return isJournalLong ? max(now, nextJournal ?? now) : nil
    }
}
