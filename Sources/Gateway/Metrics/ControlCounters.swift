import ControlPlane
import DataPlane
import Synchronization

/// What the control plane did since the start, counted from its observations.
///
/// A class, because every part of the control plane reports to it; such events come a few a second at most.
final class ControlCounters: Sendable {
    /// The counts at one moment.
    struct Reading: Sendable {
        /// Fetches of key sets that succeeded.
        var keysFetched: UInt64 = 0
        /// Fetches of key sets that failed, by the reason's word; as many entries at most as there are words.
        var keysFetchFailed: [String: UInt64] = [:]
        /// Keys that are no longer trusted, since their pool does not publish them any more.
        var keysWithdrawn: UInt64 = 0
        /// Reads of the whole directory, and of what changed in it.
        var fullReads: UInt64 = 0
        var changeReads: UInt64 = 0
        /// How long they took.
        var fullReadTimes = LatencyHistogram()
        var changeReadTimes = LatencyHistogram()
        /// From a notification of a change to its publication to the loops.
        var changeLags = LatencyHistogram()
        /// Revocations in the directory.
        var revocations = 0
        /// How often the connection to the database was lost, or could not be made.
        var databaseLosses: UInt64 = 0
        /// How often the health of tenants could not be written.
        var healthFailures: UInt64 = 0
        /// How often the directory could not be saved on disk.
        var saveFailures: UInt64 = 0

        fileprivate mutating func addFailedFetch(_ reason: String) {
            keysFetchFailed[reason, default: 0] &+= 1
        }
    }

    private let counts = Mutex(Reading())

    /// The counts now.
    var reading: Reading { counts.withLock { $0 } }

    /// Takes an observation into account.
    func note(_ observation: Observation) {
        counts.withLock { ControlCounters.note(observation, in: &$0) }
    }

    private static func note(_ observation: Observation, in counts: inout Reading) {
        switch observation {
        case .keysFetched: counts.keysFetched &+= 1
        case .keysFetchFailed(_, let failure, _, _): counts.addFailedFetch(failure.reason)
        case .keysWithdrawn(_, let kids): counts.keysWithdrawn &+= UInt64(kids.count)
        case .directoryRead(_, _, let revocations, let time, let all):
            counts.revocations = revocations
            if all {
                counts.fullReads &+= 1
                counts.fullReadTimes.add(time.nanoseconds)
            } else {
                counts.changeReads &+= 1
                counts.changeReadTimes.add(time.nanoseconds)
            }
        case .changesPublished(let lag): counts.changeLags.add(lag.nanoseconds)
        case .databaseLost: counts.databaseLosses &+= 1
        case .healthUnwritable: counts.healthFailures &+= 1
        case .savedRowsUnwritable, .savedKeysUnwritable: counts.saveFailures &+= 1
        case .databaseConnected, .schemaTooOld, .schemaNewer, .listenSwallowed, .tenantQuarantined,
            .revocationsUnreadable, .emptinessSuspected, .savedRowsLoaded, .savedRowsUnreadable, .rowsSaved,
            .withdrawalsChanged, .signingKeys, .signingKeyRefused, .signingKeysLost, .savedKeysLoaded,
            .savedKeysUnreadable, .keysSaved,
            .healthWritten:
            break
        }
    }
}

extension Duration {
    /// Whole nanoseconds, rounded down; 0 for what lies in the past.
    fileprivate var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds) / 1_000_000_000
    }
}
