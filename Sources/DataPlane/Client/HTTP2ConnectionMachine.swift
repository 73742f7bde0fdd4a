/// Where a client's HTTP/2 connection stands around its streams, as a value that does no input or output: with streams or
/// without, taking its leave, or closed; with the clock of each. Times are ticks of the loop's clock.
struct HTTP2ConnectionMachine {
    private(set) var state: State
    /// When the header block under way is overdue; nil where none is.
    private var headUntil: UInt32?
    /// When the second GOAWAY is sent, once the first was.
    private var noticeEnds: UInt32?
    /// When a client that takes nothing is given up; nil while it takes what it is sent.
    private var sendingUntil: UInt32?
    /// Whether the client's FIN came.
    private(set) var isInputEnded = false

    /// Where the connection stands.
    enum State: Equatable {
        /// No stream is open.
        case idle(until: UInt32)
        /// Streams are open.
        case serving
        /// It takes no stream any more, and ends with the last one.
        case leaving
        /// Everything was said, and is waited for to leave.
        case flushing(until: UInt32)
        case closed
    }

    /// What follows from an event.
    enum Action: Equatable {
        case none
        /// Tell the client to open no more streams, while those on their way are taken.
        case giveNotice
        /// Take no more streams.
        case goAway
        /// Say goodbye, and close once that has left.
        case sayGoodbye
        /// Close at once.
        case close
    }

    init(until: UInt32) {
        state = .idle(until: until)
    }

    /// Whether it has taken its leave.
    var isLeaving: Bool {
        switch state {
        case .idle, .serving: noticeEnds != nil
        case .leaving, .flushing, .closed: true
        }
    }

    /// A stream was opened.
    mutating func streamOpened() {
        if case .idle = state { state = .serving }
    }

    /// The last stream has ended.
    mutating func lastStreamEnded(idleUntil: UInt32) -> Action {
        switch state {
        case .serving where isInputEnded: return .sayGoodbye
        case .serving:
            state = .idle(until: idleUntil)
            return .none
        case .leaving: return .sayGoodbye
        case .idle, .flushing, .closed: return .none
        }
    }

    /// A header block has begun, or ended.
    mutating func head(isUnderWay: Bool, until: UInt32) {
        if !isUnderWay {
            headUntil = nil
        } else if headUntil == nil {
            headUntil = until
        }
    }

    /// The client sends nothing more.
    mutating func inputEnded() -> Action {
        isInputEnded = true
        switch state {
        case .idle: return .sayGoodbye
        case .serving, .leaving, .flushing, .closed: return .none
        }
    }

    /// The client takes nothing, or takes something again.
    mutating func sending(isStuck: Bool, hasProgressed: Bool, at tick: UInt32) {
        if !isStuck {
            sendingUntil = nil
        } else if sendingUntil == nil || hasProgressed {
            sendingUntil = tick &+ Limits.bodyIdleTicks
        }
    }

    /// The gateway wants no new requests by this connection, or the connection has carried as many as it may.
    mutating func leave(at tick: UInt32) -> Action {
        switch state {
        case .idle, .serving:
            guard noticeEnds == nil else { return .none }
            noticeEnds = tick &+ Limits.noticeTicks
            return .giveNotice
        case .leaving, .flushing, .closed: return .none
        }
    }

    /// The loop's clock moved on.
    mutating func ticked(at tick: UInt32) -> Action {
        if let sendingUntil, tick >= sendingUntil, state != .closed { return .close }
        if let headUntil, tick >= headUntil, state != .closed { return .sayGoodbye }
        if let noticeEnds, tick >= noticeEnds {
            switch state {
            case .idle:
                self.noticeEnds = nil
                return .sayGoodbye
            case .serving:
                self.noticeEnds = nil
                state = .leaving
                return .goAway
            case .leaving, .flushing, .closed: break
            }
        }
        switch state {
        case .idle(let until): return tick >= until ? .sayGoodbye : .none
        case .flushing(let until): return tick >= until ? .close : .none
        case .serving, .leaving, .closed: return .none
        }
    }

    /// Everything was said; whether that is new.
    mutating func saidGoodbye(at tick: UInt32) -> Bool {
        switch state {
        case .idle, .serving, .leaving:
            state = .flushing(until: tick &+ Limits.lingerTicks)
            return true
        case .flushing, .closed: return false
        }
    }

    /// Closed; whether it was open.
    mutating func close() -> Bool {
        guard state != .closed else { return false }
        state = .closed
        return true
    }
}
