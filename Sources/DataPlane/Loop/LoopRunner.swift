import Gatekeeper
import NIOCore

/// One event loop at work: starts its clock and its flow of snapshots, moves everything on tick by tick, and ends it.
///
/// A class, since the loop's timers call it. It alone names everything that runs on the loop; nothing names it but the
/// server. It lives as long as its loop.
final class LoopRunner {
    let worker: Worker
    let upstreams: UpstreamRegistry
    private var ticker: RepeatedTask?

    init(loop: any EventLoop, shared: Worker.Shared) {
        let worker = Worker(loop: loop, shared: shared)
        self.worker = worker
        upstreams = UpstreamRegistry(worker: worker) { channel, pool in
            if pool.upstream.origin.scheme.isHTTP2,
                let connection = HTTP2UpstreamConnection(channel: channel, pool: pool, worker: worker)
            {
                connection
            } else {
                HTTP1UpstreamConnection(channel: channel, pool: pool, worker: worker)
            }
        }
    }

    /// Starts the clock and the flow of snapshots; ready once the future is.
    func start() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        worker.feed.subscribe(worker.loop) { bound.value.worker.takeLatest() }
        ticker = worker.loop.scheduleRepeatedTask(initialDelay: Limits.tick, delay: Limits.tick) { _ in
            bound.value.advance()
        }
        return worker.batches.start()
    }

    /// The handler of a client's connection on this loop.
    func connection(_ channel: any Channel, _ surface: Surface, isTLS: Bool) -> HTTP1ClientConnection {
        HTTP1ClientConnection(
            channel: channel, worker: worker, upstreams: upstreams,
            peer: ClientPeer(
                address: channel.remoteAddress, worker: worker, isTLS: isTLS, surface: surface),
            handOver: worker.settings.speaksHTTP2 || surface == .externalAuthorization
                ? { [worker, upstreams] peer, early in
                    HTTP2ClientConnection(
                        channel: channel, worker: worker, upstreams: upstreams, peer: peer, early: early)
                } : nil)
    }

    /// The clock moves on by one tick: whatever took too long ends.
    private func advance() {
        worker.counters.tickDelays.add(worker.clock.tickBegan())
        defer { worker.clock.tickDone() }
        worker.clock.advance()
        let tick = worker.clock.tick
        if tick % Limits.ticksPerSecond == 0 { worker.records.endSecond(at: worker.clock.now) }
        worker.clients.ticked(tick)
        worker.reviewAtTick()
        worker.authorities.keepCurrent(on: worker.loop)
        upstreams.ticked(tick)
    }

    /// What the loop says of itself.
    func read() -> LoopReading {
        var figures = LoopFigures()
        figures.clientConnections = worker.clients.count
        figures.webSockets = worker.webSockets.count
        figures.waitingVerifications = worker.batches.waitingVerifications
        figures.heldBackConnections = worker.batches.heldBackConnections
        figures.batches = worker.batches.count
        figures.tokens = worker.judge.tokenFigures
        figures.tickDelay = worker.clock.longestDelay
        figures.snapshotEpoch = worker.judge.snapshot.epoch
        let shown = upstreams.read(into: &figures)
        return LoopReading(
            at: worker.clock.monotonic, counters: worker.counters, figures: figures, upstreams: shown,
            tenants: worker.tally.handOver())
    }

    /// Lets what is under way finish and closes the rest; the future ends with the last client.
    func drain() -> EventLoopFuture<Void> {
        worker.beginDrain()
        let drained = worker.clients.drain()
        upstreams.closeIdle()
        return drained
    }

    /// Closes everything at once.
    func stop() {
        worker.feed.unsubscribe(worker.loop)
        worker.records.endSecond(at: worker.clock.now)
        ticker?.cancel()
        ticker = nil
        worker.batches.stop()
        worker.clients.abort()
        upstreams.stop()
    }
}
