/// What a peer may still do that costs us more than it: a bucket of tokens each for frames that carry nothing and for
/// streams that end early. A value; whoever holds it says how much time has passed.
struct FrameBudget {
    private var idleFrames = Limits.idleFrames
    private var earlyEnds = Limits.earlyEnds

    /// A second has passed.
    mutating func secondPassed() {
        idleFrames = min(idleFrames + Limits.idleFramesPerSecond, Limits.idleFrames)
        earlyEnds = min(earlyEnds + Limits.earlyEndsPerSecond, Limits.earlyEnds)
    }

    /// A DATA frame was sent, for which the peer owes us WINDOW_UPDATEs.
    mutating func dataSent() {
        idleFrames = min(idleFrames + Limits.framesForData, Limits.idleFrames)
    }

    /// A frame came that carries nothing; false where it is one too many.
    mutating func takeIdleFrame() -> Bool {
        idleFrames -= 1
        return idleFrames >= 0
    }

    /// A stream ended early; false where it is one too many.
    mutating func takeEarlyEnd() -> Bool {
        earlyEnds -= 1
        return earlyEnds >= 0
    }
}
