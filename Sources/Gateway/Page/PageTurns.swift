import Synchronization

/// Turns at work that costs a page milliseconds of a core, such as a search among 100,000 tenants: a few at once, a bounded
/// line of others, and no more, so that a storm of searches delays neither probes nor key fetches.
///
/// A class, because all requests to the admin port share it.
final class PageTurns: Sendable {
    private let state: Mutex<State>
    private let places: Int

    private struct State {
        var free: Int
        var line: [CheckedContinuation<Void, Never>] = []
    }

    /// `turns` at once, and `places` in the line.
    init(turns: Int, places: Int) {
        self.places = places
        state = Mutex(State(free: turns))
    }

    /// Does `work` in its turn; nil where the line is full. Whoever stands in line gets a turn even where nobody waits for
    /// the result any more, for a turn is short.
    func take<Value>(_ work: () async -> Value) async -> Value? {
        guard await begin() else { return nil }
        let value = await work()
        end()
        return value
    }

    private func begin() async -> Bool {
        var mayBegin = true
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isAtOnce = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                guard state.line.count < places else {
                    mayBegin = false
                    return true
                }
                state.line.append(continuation)
                return false
            }
            if isAtOnce { continuation.resume() }
        }
        return mayBegin
    }

    private func end() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.line.isEmpty else {
                state.free += 1
                return nil
            }
            return state.line.removeFirst()
        }
        next?.resume()
    }
}
