import Gatekeeper
import Platform

/// The copy of the directory in the state directory: read where there is no database, written as the directory changes.
extension TenantDirectory {
    /// Serves the saved rows, unless the database has given its own meanwhile.
    func loadFromDisk() async {
        guard let file = settings.savedRowsFile else { return }
        guard (try? await Task.sleep(for: Limits.databaseWait)) != nil, status.source == nil else { return }
        let before = content
        switch await file.load() {
        case .failure(let flaw):
            if flaw != .absent { outlet.observe(.savedRowsUnreadable(flaw)) }
        case .success(let contents):
            let built = await DetachedThread.run("poolgate-build") {
                SavedDirectory(contents, onto: before, at: .now)
            }
            guard status.source == nil, !Task.isCancelled else { return }
            guard let saved = built ?? nil else { return outlet.observe(.savedRowsUnreadable(.damaged)) }
            content = saved.content
            status.source = .disk(savedAt: saved.confirmedAt)
            status.confirmedAt = saved.confirmedAt
            status.savedAt = saved.confirmedAt
            await take(saved.change, isAnythingRead: true, isFirst: true)
            outlet.observe(
                .savedRowsLoaded(
                    rows: content.count, changes: contents.changes.count, savedAt: saved.confirmedAt,
                    isCut: contents.isCut))
        }
    }

    /// Saves what changes, until the task is cancelled.
    func saveFromTimeToTime() async {
        guard settings.savedRowsFile != nil else { return }
        while !Task.isCancelled {
            await saveSignal.wait(until: unsaved.nextLook(at: .now) ?? .now + Limits.confirmationSavePause)
            // Changes that come together are written together.
            guard (try? await Task.sleep(for: Limits.saveGathering)) != nil else { return }
            await save(isLast: false)
        }
    }

    /// Saves what is unsaved now; with `isLast` without a pause, since the gateway ends.
    func save(isLast: Bool) async {
        guard status.source == .database, let file = settings.savedRowsFile else { return }
        let confirmedAt = status.confirmedAt ?? .now
        if unsaved.isEmpty, status.savedAt.map({ $0 < confirmedAt }) ?? false, file.isContinuable {
            // Nothing has changed, but the rows are known to hold until later than the disk says.
            unsaved.note(SavedChange(confirmedAt: confirmedAt))
        }
        let began = ContinuousClock.now
        switch unsaved.take(at: began, isLast: isLast) {
        case .nothing: return
        case .changes(let changes):
            let written = await file.append(changes.map(\.encoded))
            let count = changes.reduce(0) { $0 + $1.rows.count + $1.removedHosts.count }
            saved(written, confirmedAt, rows: count, time: .now - began)
            if file.isJournalLong { unsaved.noteLongJournal() }
        case .everything:
            let (rows, directory) = (content.rows, content.directory)
            let written = await file.replace {
                SavedRows(
                    rows: rows.all, revocations: directory.revocations.entries,
                    revocationPools: directory.revocations.pools, withdrawnKeys: directory.withdrawnKeys,
                    confirmedAt: confirmedAt
                ).encoded
            }
            let time = ContinuousClock.now - began
            unsaved.wroteEverything(in: time, at: .now)
            saved(written.map { _ in }, confirmedAt, rows: rows.count, time: time)
        }
    }

    private func saved(
        _ result: Result<Void, StateFileFlaw>, _ confirmedAt: Instant, rows: Int, time: Duration
    ) {
        switch result {
        case .success:
            status.savedAt = confirmedAt
            status.saveFlaw = nil
            if rows > 0 { outlet.observe(.rowsSaved(rows: rows, time: time)) }
        case .failure(.notContinuable): unsaved.noteEverything()
        case .failure(let flaw):
            // The whole content is tried instead, and then again after a pause, for a full disk does not stay full.
            unsaved.failed(at: .now)
            status.saveFlaw = flaw
            outlet.observe(.savedRowsUnwritable(flaw))
        }
        outlet.report(status)
    }
}
