import NIOCore

/// Every bound of the data plane that no setting changes, with its unit (CONTRACT.md, "Times").
package enum Limits {
    /// One turn of a loop's clock by which deadlines are kept; they are late by at most this.
    static let tick = TimeAmount.milliseconds(250)
    /// A client's whole head, from its first byte (or from accept).
    static let headTicks: UInt32 = 15 * ticksPerSecond
    /// The rest of a head that had begun when the drain did.
    static let drainedHeadTicks: UInt32 = 1 * ticksPerSecond
    /// A kept-alive client connection between requests; load balancers close theirs at 60 s.
    static let clientIdleTicks: UInt32 = 75 * ticksPerSecond
    /// An upstream's answer's head, from the end of the request.
    static let answerTicks: UInt32 = 60 * ticksPerSecond
    /// A body in which no byte moves.
    static let bodyIdleTicks: UInt32 = 60 * ticksPerSecond
    /// After a client's FIN: how long none of the answer may move before the upstream is cancelled.
    static let halfClosedTicks: UInt32 = 10 * ticksPerSecond
    /// Dropping what a client still sends after an answer that left its request unread.
    static let lingerTicks: UInt32 = 1 * ticksPerSecond
    static let lingerBytes = 256 * 1024
    /// An idle kept-alive upstream connection; Node and uvicorn close theirs at 5 s.
    static let upstreamIdleTicks: UInt32 = 4 * ticksPerSecond
    /// How long a listener that cannot accept rests.
    static let acceptPause = TimeAmount.milliseconds(250)
    static let upstreamConnect = TimeAmount.seconds(2)
    static let ticksPerSecond: UInt32 = 4
    /// Bytes that may wait for a slow peer before its other side is no longer read.
    static let writeHighWaterBytes = 64 * 1024
    static let writeLowWaterBytes = 32 * 1024
    /// Bytes of pipelined requests that wait behind the one under way.
    static let pipelinedBytes = 64 * 1024
    /// Interim (1xx) answers of one request.
    static let interimAnswers = 8
    /// Body bytes that are copied behind a head so that both leave in one write.
    static let coalescedBodyBytes = 16 * 1024
    /// The least that one loop holds of verified tokens.
    static let tokenCacheBytesPerLoop = 8 * 1024 * 1024
    /// The largest buffer that a connection keeps for its next head.
    static let keptScratchBytes = 4 * 1024
    /// Idle upstream connections of the process, or a quarter of the descriptors where that is less.
    static let idleUpstreamConnections = 1024
    /// How long a resolved upstream name is used.
    static let resolutionTicks: UInt32 = 5 * ticksPerSecond
    /// Host and path bytes that a log record holds.
    static let recordedBytes = 512
    /// Records that wait for the log's writer.
    package static let recordRing = 8192
}
