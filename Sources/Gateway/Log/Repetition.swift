import ControlPlane
import Gatekeeper
import Postgres
import Synchronization

/// Keeps a failure that repeats itself from filling the log: it is a line when it comes first, and every ten minutes after
/// that with the number of repetitions that were left out, until its reason changes or it ends.
///
/// A class, because every part of the control plane reports through it.
final class RepetitionFilter: Sendable {
    private let repetition = Mutex(Repetition())

    /// The line for an observation; nil where it only repeats a failure.
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

    /// What the observation says to fail, and why; without a reason, what it says to work again. Nil for what never repeats
    /// itself.
    private static func subject(_ observation: Observation) -> (thing: String?, reason: String?) {
        switch observation {
        case .keysFetched(let pool, _, _): (pool.description, nil)
        case .keysFetchFailed(let pool, let failure, _, _): (pool.description, failure.reason)
        case .databaseConnected: ("database", nil)
        case .databaseLost(let error, _): ("database", error.description)
        case .healthWritten: ("health", nil)
        case .healthUnwritable(let error): ("health", error.description)
        case .rowsSaved: ("snapshot", nil)
        case .savedRowsUnwritable(let flaw): ("snapshot", flaw.description)
        case .keysSaved: ("saved keys", nil)
        case .savedKeysUnwritable(let flaw): ("saved keys", flaw.description)
        case .changesPublished: (nil, nil)
        case .signingKeys, .signingKeyRefused, .signingKeysLost, .keysWithdrawn, .withdrawalsChanged,
            .schemaTooOld, .schemaNewer, .listenSwallowed,
            .directoryRead,
            .tenantQuarantined,
            .revocationsUnreadable, .emptinessSuspected, .savedRowsLoaded, .savedRowsUnreadable,
            .savedKeysLoaded, .savedKeysUnreadable:
            (nil, nil)
        }
    }
}

/// Which failures were written, and when. A pure value.
struct Repetition: Sendable {
    private struct Told {
        let reason: String
        let at: Instant
        var leftOut = 0
    }

    private var told: [String: Told] = [:]

    /// Whether this failure of `thing` is to be written: how many repetitions were left out before it, or nil where it is
    /// left out itself.
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

    /// Forgets `thing`, which works again.
    mutating func end(_ thing: String) {
        told[thing] = nil
    }
}
