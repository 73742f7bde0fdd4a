import Synchronization

/// The result that a connection's thread will deliver to the one task that waits for it. Only the first result counts, and
/// cancelling the task is one.
///
/// A class, because thread and task share it.
final class Pending<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, PostgresError>

    private enum State {
        case untouched
        case awaited(CheckedContinuation<Outcome, Never>)
        case finished(Outcome)
    }

    private let state = Mutex(State.untouched)

    /// Waits for the result. Call once.
    func value() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early: Outcome? = state.withLock { state in
                    if case .finished(let outcome) = state { return outcome }
                    state = .awaited(continuation)
                    return nil
                }
                if let early { continuation.resume(returning: early) }
            }
        } onCancel: {
            finish(.failure(.cancelled))
        }
    }

    /// Delivers the result; does nothing where there is one already.
    func finish(_ outcome: Outcome) {
        let continuation: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            switch state {
            case .finished: return nil
            case .untouched:
                state = .finished(outcome)
                return nil
            case .awaited(let continuation):
                state = .finished(outcome)
                return continuation
            }
        }
        continuation?.resume(returning: outcome)
    }

    /// Whether there is a result already, so that no work for another is needed.
    var isFinished: Bool {
        state.withLock { state in
            if case .finished = state { return true }
            return false
        }
    }
}
