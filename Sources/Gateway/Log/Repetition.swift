import ControlPlane
import Gatekeeper
import Postgres
import Synchronization

/// Keeps what goes on failing from filling the log: the same failure of the same thing is a line once, then again every
/// ten minutes with the number of those left out, until it changes or ends.
///
/// A class, because every part of the control plane reports through it.
final class RepetitionFilter: Sendable {
    private let repetition = Mutex(Repetition())

    /// The line of an observation; nil where it only says once more what was said.
    func line(_ observation: Observation, at now: Instant = .now) -> LogLine? {
        let (thing, reason) = RepetitionFilter.subject(observation)
        guard let thing else { return Observer.line(observation) }
        guard let reason else {
            repetition.withLock { $0.end(thing) }
            return Observer.line(observation)
        }
        guard let leftOut = repetition.withLock({ $0.admit(thing, reason, at: now) }) else { return nil }
        let line = Observer.line(observation)
        return leftOut == 0 ? line : line.adding("repeated", .count(leftOut))
    }

    /// What fails or has recovered, and why it fails; nil for what never repeats.
    private static func subject(_ observation: Observation) -> (thing: String?, reason: String?) {
        switch observation {
        case .keysFetched(let pool, _, _): (pool.description, nil)
        case .keysFetchFailed(let pool, let failure, _): (pool.description, failure.reason)
        case .databaseConnected: ("database", nil)
        case .databaseLost(let error, _): ("database", error.description)
        case .healthWritten: ("health", nil)
        case .healthUnwritable(let error): ("health", error.description)
        case .rowsSaved: ("snapshot", nil)
        case .savedRowsUnwritable(let flaw): ("snapshot", flaw.description)
        case .keysWithdrawn, .schemaTooOld, .schemaNewer, .listenSwallowed, .directoryRead,
            .tenantQuarantined,
            .revocationsUnreadable, .emptinessSuspected, .savedRowsLoaded, .savedRowsUnreadable:
            (nil, nil)
        }
    }
}

/// Which failures were told, of which things; a pure value.
struct Repetition: Sendable {
    private struct Told {
        let reason: String
        let at: Instant
        var leftOut = 0
    }

    private var told: [String: Told] = [:]

    /// How many equal failures were left out before this one, where it is to be told; nil where it is not.
    mutating func admit(_ thing: String, _ reason: String, at now: Instant) -> Int? {
        let known = told[thing].flatMap { $0.reason.utf8.elementsEqual(reason.utf8) ? $0 : nil }
        if let known, now.seconds(since: known.at) < Limits.repetitionSeconds {
            told[thing]?.leftOut += 1
            return nil
        }
        if told.count >= Limits.repetitionsRemembered { told = [:] }
        told[thing] = Told(reason: reason, at: now)
        return known?.leftOut ?? 0
    }

    /// Forgets the thing, which does not fail any more.
    mutating func end(_ thing: String) {
        told[thing] = nil
    }
}
