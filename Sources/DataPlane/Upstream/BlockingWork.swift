import Gatekeeper
import NIOCore
import Platform
import Synchronization

/// Work that would block an event loop, such as resolving a name, done on threads for all loops. Work is done once for all
/// that ask for the same key; `BlockingTurns` decides which work gets a thread.
///
/// A class, because all loops ask the same one. The threads are its own: in a pool that others share, a name server that
/// does not respond would hold up their work, too.
final class BlockingWork<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let turns = Mutex(BlockingTurns<Key, EventLoopPromise<Value>>())
    private let work: @Sendable (Key) -> Result<Value, any Error>

    /// Does `work`, which may block, for each key that is asked for.
    init(_ work: @escaping @Sendable (Key) -> Result<Value, any Error>) {
        self.work = work
    }

    /// What the work on `key` comes to: for a request of `tenant`, or, where that is nil, to renew a value that is there
    /// already.
    ///
    /// The future has no deadline: whoever waits sets one with `within`.
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

    /// Starts the work that may start now. Where some has to wait, a timer looks again when other work has turned out to
    /// hang, which does not count against its bound any more.
    private func startThreads(on loop: any EventLoop) {
        startThreads()
        guard turns.withLock({ $0.takeTimer() }) else { return }
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

    /// Gives everybody who waits for `key` its result.
    private func end(_ key: Key, _ result: Result<Value, any Error>) {
        var failure: (any Error)?
        if case .failure(let error) = result { failure = error }
        let waiters = turns.withLock { [failure] in $0.ended(key, error: failure, at: .now()) }
        for waiter in waiters { waiter.completeWith(result) }
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The same future, which fails with `ChannelError.connectTimeout` after `time`; at once where `time` is not positive.
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
