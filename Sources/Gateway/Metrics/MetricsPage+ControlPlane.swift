import ControlPlane
import DataPlane
import Gatekeeper

/// What the control plane knows and does.
extension MetricsPage {
    mutating func writeKeys() {
        let counters = facts.loops.counters
        let control = facts.control
        text.begin(
            "poolgate_key_lookups", .counter,
            "Requests with a kid that their loop did not know, by what the pool's keys said.")
        text.add(counters.presentKeys, ["result": "present"])
        text.add(counters.absentKeys, ["result": "absent"])
        text.add(counters.unavailableKeys, ["result": "unavailable"])
        text.begin("poolgate_key_wait_seconds", .histogram, "How long such requests waited.")
        text.add(counters.keyWaits)
        text.begin(
            "poolgate_key_fetches", .counter, "Fetches of key sets by how they ended: ok, or why not.")
        text.add(control.keysFetched, ["result": "ok"])
        for (reason, count) in control.keysFetchFailed.sorted(by: { $0.key < $1.key }) {
            text.add(count, ["result": reason])
        }
        text.begin(
            "poolgate_keys_withdrawn", .counter,
            "Keys that are no longer trusted, since their pool's key endpoint does not have them any more.")
        text.add(control.keysWithdrawn)
        writePools()
    }

    private mutating func writePools() {
        let states: [PoolStatus.State] = [.ready, .waiting, .failing]
        text.begin(
            "poolgate_user_pools", .gauge,
            "User pools by how their latest fetch of keys ended; waiting is before the first end.")
        for state in states {
            text.add(facts.pools.count { $0.state == state }, ["state": state.rawValue])
        }
        var ages = KeySetAges()
        for pool in facts.pools { ages.add(pool.lastSuccess.map { facts.now.seconds(since: $0) }) }
        text.begin(
            "poolgate_key_sets", .gauge,
            "Key sets by the time since they were fetched; after 24 hours they are not trusted.")
        text.add(ages.underHour, ["age": "under_1h"])
        text.add(ages.underSixHours, ["age": "under_6h"])
        text.add(ages.underDay, ["age": "under_24h"])
        text.add(ages.older, ["age": "over_24h"])
        text.add(ages.none, ["age": "none"])
        text.begin(
            "poolgate_oldest_key_set_age_seconds", .gauge,
            "The longest time since a pool's keys were fetched, of pools that have any.")
        text.add(ages.oldest)
    }

    /// How old the pools' key sets are, in seconds.
    private struct KeySetAges {
        var underHour = 0
        var underSixHours = 0
        var underDay = 0
        var older = 0
        var none = 0
        var oldest: Int64 = 0

        mutating func add(_ age: Int64?) {
            guard let age else {
                none += 1
                return
            }
            oldest = max(oldest, age)
            switch age / 3600 {
            case ..<1: underHour += 1
            case 1..<6: underSixHours += 1
            case 6..<24: underDay += 1
            default: older += 1
            }
        }
    }

    // MARK: The directory

    mutating func writeDirectory() {
        let directory = facts.directory
        text.begin("poolgate_ready", .gauge, "Whether the gateway is ready to be sent requests.")
        text.add(facts.isReady)
        text.begin("poolgate_stopping", .gauge, "Whether the gateway was asked to stop.")
        text.add(facts.isStopping)
        text.begin("poolgate_database_up", .gauge, "Whether the gateway is connected to its database.")
        text.add(directory.link == .connected)
        text.begin(
            "poolgate_database_losses", .counter,
            "How often the connection to the database broke or could not be made.")
        text.add(facts.control.databaseLosses)
        text.begin(
            "poolgate_notifications_arriving", .gauge,
            "Whether the database's notifications of changes arrive; without them changes take up to a second."
        )
        text.add(directory.isListening == true)
        text.begin("poolgate_directory_tenants", .gauge, "Rows of the tenant directory in use.")
        text.add(directory.tenants)
        text.begin("poolgate_quarantined_tenants", .gauge, "Rows of it that cannot be served.")
        text.add(directory.quarantined.count)
        text.begin("poolgate_revocations", .gauge, "Revocations in it.")
        text.add(facts.control.revocations)
        text.begin(
            "poolgate_directory_generation", .gauge, "Grows with every read that brought anything.")
        text.add(directory.revision)
        text.begin(
            "poolgate_directory_age_seconds", .gauge,
            "Since the directory was last known to be what the database holds.")
        text.add(directory.confirmedAt.map { max(facts.now.seconds(since: $0), 0) } ?? 0)
        text.begin(
            "poolgate_directory_from_disk", .gauge,
            "Whether the directory in use is the copy on disk, for want of a database.")
        text.add(isFromDisk)
        writeLag()
        text.begin(
            "poolgate_health_write_failures", .counter,
            "How often it could not be written into the database how tenants are doing.")
        text.add(facts.control.healthFailures)
        text.begin(
            "poolgate_snapshot_write_failures", .counter,
            "How often directory or keys could not be saved on disk.")
        text.add(facts.control.saveFailures)
    }

    private var isFromDisk: Bool {
        switch facts.directory.source {
        case .disk: true
        case .database, nil: false
        }
    }

    /// What lies between a commit and its being live, as far as the gateway can know: not how long the notification took.
    private mutating func writeLag() {
        text.begin(
            "poolgate_directory_read_seconds", .histogram,
            "How long reads of the directory took: of all of it, or of what changed.")
        text.add(facts.control.fullReadTimes, ["read": "everything"])
        text.add(facts.control.changeReadTimes, ["read": "changes"])
        text.begin(
            "poolgate_change_lag_seconds", .histogram,
            "From the database's notification of a change to its publication to the loops.")
        text.add(facts.control.changeLags)
        text.begin(
            "poolgate_snapshot_wait_seconds", .histogram,
            "From the publication of a change, or of keys, to the moment a loop judges by it.")
        text.add(facts.loops.counters.snapshotWaits)
        text.begin(
            "poolgate_outdated_loops", .gauge, "Loops that do not judge by the newest snapshot yet.")
        text.add(
            facts.loops.loops.count { ($0.reading?.figures.snapshotEpoch ?? 0) < facts.snapshotEpoch })
    }
}
