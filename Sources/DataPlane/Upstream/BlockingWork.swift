import Gatekeeper
import NIOCore
import Platform
import Synchronization

/// Work that blocks, done off the loops for all of them: see `BlockingTurns` for who gets a thread.
///
/// A class, because all loops ask the same one. Its threads are its own: a pool that others use, too, would wait with
/// them for a name server that says nothing.
final class BlockingWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let turns = Mutex(BlockingTurns<Key, EventLoopPromise<Value>>())
    private let work: @Sendable (Key) -> Result<Value, any Error>

    /// Does `work` for each key that is asked for.
    init(_ work: @escaping @Sendable (Key) -> Result<Value, any Error>) {
        self.work = work
    }

    /// What the work on `key` comes to, whenever it does: for a request of `tenant`, or without one to make it anew.
    ///
    /// Whoever waits brings a clock along.
    func value(of key: Key, for tenant: HostPattern?, on loop: any EventLoop) -> EventLoopFuture<Value> {
        let promise = loop.makePromise(of: Value.self)
        let reply = turns.withLock { $0.ask(key, for: tenant, promise, at: .now()) }
        switch reply {
        case .wait: startThreads(on: loop)
        case .failed(let error): promise.fail(error)
        case .full: promise.fail(BlockingWorkFailure.full)
        }
        return promise.futureResult
    }

    /// Starts what may start now; where some has to wait, looks again when others have turned out to hang.
    private func startThreads(on loop: any EventLoop) {
        startThreads()
        guard turns.withLock({ $0.needsTimer() }) else { return }
        loop.scheduleTask(in: Limits.slowWork) { [self] in
            turns.withLock { $0.timerEnded() }
            startThreads(on: loop)
        }
    }

    private func startThreads() {
        while let key = turns.withLock({ $0.next(at: .now()) }) {
            let isStarted = DetachedThread.start("poolgate-block") { [self] in
                end(key, work(key))
                startThreads()
            }
            if !isStarted { end(key, .failure(BlockingWorkFailure.full)) }
        }
    }

    private func end(_ key: Key, _ result: Result<Value, any Error>) {
        var failure: (any Error)?
        if case .failure(let error) = result { failure = error }
        let waiters = turns.withLock { [failure] in $0.ended(key, error: failure, at: .now()) }
        for waiter in waiters { waiter.completeWith(result) }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The same, or a time-out after `time`; at once where none is left.
    func within(_ time: TimeAmount) -> EventLoopFuture<Value> {
        guard time > .zero else { return eventLoop.makeFailedFuture(ChannelError.connectTimeout(time)) }
        let promise = eventLoop.makePromise(of: Value.self)
        let timer = eventLoop.scheduleTask(in: time) { promise.fail(ChannelError.connectTimeout(time)) }
        whenComplete { result in
            timer.cancel()
            promise.completeWith(result)
        }
        return promise.futureResult
    }
}
