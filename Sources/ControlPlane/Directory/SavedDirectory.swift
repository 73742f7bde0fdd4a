import Gatekeeper

/// A directory that was made anew from the saved rows and the changes after them.
struct SavedDirectory: Sendable {
    let content: DirectoryContent
    /// How it differs from the content before, which had no rows.
    let change: DirectoryContent.Change
    /// When it was last known to be what the database holds.
    let confirmedAt: Instant

    /// Nil where a part is not what this program writes, though its checksum holds.
    init?(_ contents: StateFile.Contents, onto before: DirectoryContent, at now: Instant) {
        guard let saved = SavedRows(decoding: contents.whole) else { return nil }
        var changes: [SavedChange] = []
        for bytes in contents.changes {
            guard let change = SavedChange(decoding: bytes) else { return nil }
            changes.append(change)
        }
        var content = before
        _ = content.replaceAll(with: saved.rows)
        _ = content.replaceRevocations(with: saved.revocations, of: saved.revocationPools)
        var withdrawals = DirectoryContent.Change()
        content.replaceWithdrawnKeys(with: saved.withdrawnKeys, &withdrawals)
        for change in changes {
            _ = content.apply(removedHosts: change.removedHosts, rows: change.rows)
            _ = content.apply(change.revocations, at: now)
        }
        var change = DirectoryContent.Change()
        change.hosts = content.count
        change.revocationsChanged = true
        change.withdrawals = withdrawals.withdrawals
        (change.addedPools, change.removedPools) = (
            content.pools.subtracting(before.pools), before.pools.subtracting(content.pools)
        )
        change.quarantined = content.quarantined.map { (host: $0.key, flaw: $0.value) }
        self.content = content
        self.change = change
        confirmedAt = changes.last?.confirmedAt ?? saved.confirmedAt
    }
}
