import NIOCore

/// What is read no further before its turn in the loop comes, since what came before it was refused: a connection of HTTP/1, a
/// stream of HTTP/2.
protocol HeldBackMember: AnyObject {
    /// Whether it is gone.
    var isClosed: Bool { get }

    /// Its turn has come.
    func letGo()
}

/// A client's connection, as the loop that it lives on sees it.
protocol LoopConnection: AnyObject {
    /// The loop's clock moved on.
    func ticked(_ tick: UInt32)

    /// Looks at each of its streams, whether it has waited too long; how many there are.
    func lookAtStreams(_ tick: UInt32) -> Int

    /// The gateway ends: what can finish may.
    func drain()

    /// Ends at once.
    func abort()
}

/// The client connections of one loop: moved on by its clock, drained and closed together.
///
/// Bounded by `max-connections`. A class, since connections come and go from the loop's channels.
final class ClientRegistry {
    private let loop: any EventLoop
    private var connections = Rounds<any LoopConnection>()
    private var whenEmpty: EventLoopPromise<Void>?

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// How many there are.
    var count: Int { connections.count }

    /// A connection was accepted; one that came just before the listener closed is drained at once.
    func opened(_ connection: any LoopConnection) {
        connections.insert(connection, ObjectIdentifier(connection))
        guard whenEmpty != nil else { return }
        let bound = NIOLoopBound(connection, eventLoop: loop)
        loop.execute { bound.value.drain() }
    }

    /// A connection is gone.
    func closed(_ connection: any LoopConnection) {
        connections.remove(ObjectIdentifier(connection))
        if connections.count == 0 { whenEmpty?.succeed() }
    }

    /// The loop's clock moved on. Streams can be a million, and looking at all of them takes longer than a tick: so each
    /// connection's are looked at in turn, and some `Limits.streamsATick` in all.
    func ticked(_ tick: UInt32) {
        for connection in connections.all { connection.ticked(tick) }
        var left = Limits.streamsATick
        for _ in 0..<connections.count where left > 0 {
            if connections.isOver { connections.begin() }
            left -= connections.next()?.lookAtStreams(tick) ?? 0
        }
    }

    /// Lets what is under way finish and closes the rest; the future ends with the last connection.
    func drain() -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        whenEmpty = promise
        for connection in connections.all { connection.drain() }
        if connections.count == 0 { promise.succeed() }
        return promise.futureResult
    }

    /// Closes everything at once.
    func abort() {
        for connection in connections.all { connection.abort() }
    }
}
