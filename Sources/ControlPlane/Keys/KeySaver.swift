import Gatekeeper
import JOSE
import Platform
import Synchronization

/// Keeps the pools' key sets on disk, so that a gateway that starts while key endpoints cannot be reached verifies tokens by
/// them, for what is left of the 24 hours since they were fetched.
///
/// One file holds all pools: ten thousand small files would cost ten thousand syncs. What changes is added to its journal.
///
/// A class, because every pool's actor leaves its keys here; each step under its lock is short.
package final class KeySaver: Sendable {
    private struct Kept {
        var keySet: JSONWebKeySet
        var fetchedAt: Instant
        var firstSeen: [KeyID: Instant]
        /// Whether the disk has this set, though perhaps with an earlier time.
        var isSaved: Bool
    }

    private struct State {
        var kept: [PoolName: Kept] = [:]
        /// Sets from disk whose pool has not been started yet.
        var restored: [PoolName: SavedKeySet] = [:]
        /// Pools of which the disk does not have the latest.
        var unsaved: Set<PoolName> = []
        var isEverythingUnsaved = false
    }

    /// Nil before `load`, and where there is no folder.
    private let place = Mutex<StateFile?>(nil)
    private let observe: Observe
    private let state = Mutex(State())
    private let wakeSignal = WakeSignal()

    /// Keeps nothing yet.
    package init(observe: @escaping Observe) {
        self.observe = observe
    }

    // MARK: Pools

    /// Reads what `keys.snapshot` and `keys.changes` in the folder hold, and keeps the sets there from now on. To be called
    /// before any pool starts; the folder exists.
    package func load(from folder: String) async {
        let file = StateFile(folder: folder, name: "keys", kind: SavedKeySets.version)
        place.withLock { $0 = file }
        switch await file.load() {
        case .failure(let flaw):
            if flaw != .absent { observe(.savedKeysUnreadable(flaw)) }
            state.withLock { $0.isEverythingUnsaved = true }
        case .success(let contents):
            let read = await DetachedThread.run("poolgate-disk") { RestoredKeySets(contents) }
            guard var restored = read ?? nil else {
                observe(.savedKeysUnreadable(.damaged))
                state.withLock { $0.isEverythingUnsaved = true }
                return
            }
            let isSetBack = restored.adjust(to: .now)
            state.withLock { state in
                state.restored = restored.keySets
                state.isEverythingUnsaved = isSetBack || contents.isCut
            }
            if !restored.keySets.isEmpty || contents.isCut {
                observe(
                    .savedKeysLoaded(
                        pools: restored.keySets.count,
                        fetchedAt: restored.keySets.values.map(\.fetchedAt).max(), isCut: contents.isCut))
            }
        }
    }

    /// Takes out the set that a pool which starts now has on disk.
    func takeRestored(_ pool: PoolName) -> SavedKeySet? {
        state.withLock { $0.restored.removeValue(forKey: pool) }
    }

    /// The pool's keys, which were fetched at this time; with `areFromDisk`, those that the disk has already.
    func note(
        _ pool: PoolName, _ keySet: JSONWebKeySet, fetchedAt: Instant, firstSeen: [KeyID: Instant],
        areFromDisk: Bool = false
    ) {
        let isUrgent = state.withLock { state in
            let before = state.kept[pool]
            let isSame = before.map { $0.isSaved && $0.keySet.isSame(as: keySet) } ?? areFromDisk
            state.kept[pool] = Kept(
                keySet: keySet, fetchedAt: fetchedAt, firstSeen: firstSeen, isSaved: isSame)
            if areFromDisk { return false }
            state.unsaved.insert(pool)
            return !isSame
        }
        if isUrgent { wakeSignal.send() }
    }

    /// No tenant names the pool any more.
    func forget(_ pool: PoolName) {
        state.withLock { state in
            state.kept[pool] = nil
            state.unsaved.remove(pool)
        }
    }

    // MARK: Saving

    /// Saves what changes until the task is cancelled, and then what is left.
    package func run() async {
        guard let file = place.withLock({ $0 }) else { return }
        while !Task.isCancelled {
            await wakeSignal.wait(until: .now + Limits.equalKeysGathering)
            guard (try? await Task.sleep(for: Limits.saveGathering)) != nil else { break }
            guard await save(to: file) else {
                _ = try? await Task.sleep(for: Limits.savePause)
                continue
            }
        }
        _ = await save(to: file)
    }

    /// Writes what is unsaved; false where that failed.
    private func save(to file: StateFile) async -> Bool {
        let now = Instant.now
        let isWhole = !file.isContinuable || file.isJournalLong || state.withLock { $0.isEverythingUnsaved }
        let taken = state.withLock { state in
            let unsaved = state.unsaved
            state.unsaved = []
            state.isEverythingUnsaved = false
            return unsaved
        }
        // A file that is not there yet is begun with the first key set.
        guard !taken.isEmpty || (isWhole && file.isContinuable) else { return true }
        let result: Result<Void, StateFileFlaw>
        if isWhole {
            let entries = everything(at: now)
            result = await file.replace { SavedKeySets(savedAt: now, entries: entries()).encoded }.map { _ in
            }
        } else {
            result = await file.append([SavedKeySets(savedAt: now, entries: entries(of: taken)).encoded])
        }
        switch result {
        case .success:
            observe(.keysSaved(pools: taken.count))
            return true
        case .failure(let flaw):
            state.withLock { state in
                state.unsaved.formUnion(taken)
                state.isEverythingUnsaved = true
            }
            if flaw != .notContinuable { observe(.savedKeysUnwritable(flaw)) }
            return flaw == .notContinuable
        }
    }

    /// What the journal is told of these pools.
    private func entries(of pools: Set<PoolName>) -> [(pool: PoolName, entry: SavedKeySets.Entry)] {
        state.withLock { state in
            pools.compactMap { pool -> (pool: PoolName, entry: SavedKeySets.Entry)? in
                guard let kept = state.kept[pool] else { return nil }
                state.kept[pool]?.isSaved = true
                return (
                    pool,
                    kept.isSaved
                        ? .fetchedAgain(kept.fetchedAt)
                        : .keys(
                            SavedKeySet(kept.keySet, fetchedAt: kept.fetchedAt, firstSeen: kept.firstSeen))
                )
            }
        }
    }

    /// Everything that can still be trusted; the text of ten thousand sets is made by whoever calls the closure.
    private func everything(at now: Instant) -> @Sendable () -> [(pool: PoolName, entry: SavedKeySets.Entry)]
    {
        let (kept, restored) = state.withLock { state in
            for pool in state.kept.keys { state.kept[pool]?.isSaved = true }
            return (state.kept, state.restored)
        }
        return {
            var entries: [(pool: PoolName, entry: SavedKeySets.Entry)] = []
            for (pool, one) in kept {
                let saved = SavedKeySet(one.keySet, fetchedAt: one.fetchedAt, firstSeen: one.firstSeen)
                entries.append((pool, .keys(saved)))
            }
            for (pool, saved) in restored
            where now < saved.fetchedAt.advanced(bySeconds: Limits.believedSeconds) {
                entries.append((pool, .keys(saved)))
            }
            return entries
        }
    }
}

extension JSONWebKeySet {
    /// Whether both hold the same keys under the same names.
    fileprivate func isSame(as other: JSONWebKeySet) -> Bool {
        keys.count == other.keys.count
            && keys.allSatisfy { key in other[key.keyID]?.isSameKey(as: key) ?? false }
    }
}
