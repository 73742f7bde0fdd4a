import NIOCore
import Platform
import Synchronization

/// Asks the event loops for their counters, and keeps what each of them said last.
///
/// A class, since the loops leave their answers in it while others read. A loop that owes an answer is not asked again, so
/// that a loop which hangs is left with one question however often somebody reads.
package final class CountersBoard: Sendable {
    private struct Loop {
        let loop: any EventLoop
        let read: @Sendable () -> LoopReading
        var reading: LoopReading?
        var askedAt: UInt64?
    }

    private struct State {
        var loops: [Loop] = []
        var tenants = BusiestTenants()
        var isClosed = false
        /// Those who wait for every loop to have answered; bounded by the readers' own bounds.
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// A board without loops.
    package init() {}

    /// Adds a loop; `read` is called on it for each question.
    func add(_ loop: any EventLoop, read: @escaping @Sendable () -> LoopReading) {
        state.withLock { $0.loops.append(Loop(loop: loop, read: read)) }
    }

    /// Asks no loop from now on: they are about to end.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Asks every loop and waits for the answers, `limit` at most; of a loop that gave none in this time, what it said
    /// before.
    package func read(within limit: Duration) async -> CountersReading {
        ask()
        let timer = Mutex<Task<Void, Never>?>(nil)
        await withCheckedContinuation { continuation in
            guard let waiter = wait(continuation) else { return continuation.resume() }
            let task = Task {
                try? await Task.sleep(for: limit)
                self.giveUp(waiter)
            }
            timer.withLock { $0 = task }
        }
        timer.withLock { $0?.cancel() }
        return latest
    }

    /// What the loops said last.
    package var latest: CountersReading {
        state.withLock { state in
            CountersReading(
                at: MonotonicClock.nanoseconds,
                loops: state.loops.map { CountersReading.Loop(reading: $0.reading, askedAt: $0.askedAt) },
                tenants: state.tenants)
        }
    }

    // MARK: Questions and answers

    private func ask() {
        // Asked under the lock, so that no loop is asked once the board is closed.
        state.withLock { state in
            guard !state.isClosed else { return }
            for index in state.loops.indices where state.loops[index].askedAt == nil {
                state.loops[index].askedAt = MonotonicClock.nanoseconds
                let read = state.loops[index].read
                state.loops[index].loop.execute { self.answered(index, read()) }
            }
        }
    }

    private func answered(_ index: Int, _ reading: LoopReading) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.loops[index].reading = reading
            state.loops[index].askedAt = nil
            state.tenants.add(reading.tenants, at: reading.at)
            guard state.loops.allSatisfy({ $0.askedAt == nil }) else { return [] }
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Notes somebody who waits; nil where every loop has answered.
    private func wait(_ continuation: CheckedContinuation<Void, Never>) -> UInt64? {
        state.withLock { state in
            guard !state.isClosed, state.loops.contains(where: { $0.askedAt != nil }) else { return nil }
            state.lastWaiter += 1
            state.waiters[state.lastWaiter] = continuation
            return state.lastWaiter
        }
    }

    private func giveUp(_ waiter: UInt64) {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
    }
}
