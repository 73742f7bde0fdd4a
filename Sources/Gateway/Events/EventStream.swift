/// What a listener hears, as server-sent events (HTML Living Standard §9.2).
struct EventStream {
    private let listener: EventListener
    private var hasBegun = false
    private var isOver = false

    init(_ listener: EventListener) {
        self.listener = listener
    }

    /// The next bytes to write, once there are any: whole events, or where nothing happens for a while a comment, by which
    /// a connection whose other end has gone is found out. Nil at the end.
    mutating func next() async -> [UInt8]? {
        guard hasBegun else {
            hasBegun = true
            return Array(": poolgate\n\n".utf8)
        }
        guard !isOver, !Task.isCancelled else { return nil }
        let quietUntil = ContinuousClock.now + Limits.eventHeartbeat
        while true {
            let batch = await listener.next(until: quietUntil)
            isOver = batch.isOver
            let bytes = EventStream.bytes(batch)
            if !bytes.isEmpty { return bytes }
            guard !isOver, !Task.isCancelled else { return nil }
            if .now >= quietUntil { return Array(": still here\n\n".utf8) }
        }
    }

    /// A batch as the client gets it.
    static func bytes(_ batch: EventListener.Batch) -> [UInt8] {
        var bytes: [UInt8] = []
        if batch.dropped > 0 { bytes += "event: dropped\ndata: {\"dropped\":\(batch.dropped)}\n\n".utf8 }
        for message in batch.messages {
            bytes += "event: \(message.event)\ndata: ".utf8
            bytes += message.data
            bytes += "\n\n".utf8
        }
        return bytes
    }
}
