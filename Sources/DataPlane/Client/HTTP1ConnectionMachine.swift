/// Where an HTTP/1 client's connection stands around its requests, as a value that does no input or output: reading a
/// head, serving a request, or taking its leave; with the clock of each.
///
/// What happens inside a request is `ExchangeMachine`'s. Times are ticks of the loop's clock.
struct HTTP1ConnectionMachine {
    private(set) var state: State
    /// Whether the client's FIN came: it sends nothing more.
    private(set) var isInputEnded = false

    /// Where the connection stands.
    enum State: Equatable {
        /// It waits for a head, or for the rest of one.
        case reading(until: UInt32)
        /// The same after a refusal: nothing is read before its turn in the loop comes.
        case heldBack(until: UInt32)
        /// A request is under way.
        case serving
        /// The last response is written, and is waited for to leave.
        case flushing(then: Farewell, until: UInt32, dropped: Int)
        /// The response has left and the output is closed; what still comes is dropped, so that the client sees the
        /// response and no reset (RFC 9112 §9.6).
        case lingering(idleUntil: UInt32, until: UInt32, dropped: Int)
        /// Another handler has taken the connection over.
        case handedOver
        case closed
    }

    /// What follows once everything written has left.
    enum Farewell: Equatable {
        case close
        case linger
    }

    /// What follows from an event.
    enum Action: Equatable {
        case none
        /// The head did not come in time, or nothing came.
        case headOverdue
        /// The event is the exchange's.
        case tellExchange
        /// Close where every whole request was served.
        case closeIfServed
        /// Close the output only.
        case closeOutput
        case close
    }

    init(until: UInt32) {
        state = .reading(until: until)
    }

    /// Whether a request is under way.
    var isServing: Bool { state == .serving }

    /// Whether a head is waited for.
    var isReading: Bool {
        switch state {
        case .reading, .heldBack: true
        case .serving, .flushing, .lingering, .handedOver, .closed: false
        }
    }

    /// Whether the connection has taken its leave, or is about to.
    var isLeaving: Bool {
        switch state {
        case .reading, .heldBack, .serving: false
        case .flushing, .lingering, .handedOver, .closed: true
        }
    }

    /// The first bytes of a head came.
    mutating func headBegan(until: UInt32) {
        guard case .reading = state else { return }
        state = .reading(until: until)
    }

    /// A head came whole.
    mutating func headCame() {
        guard case .reading = state else { return }
        state = .serving
    }

    /// The request is over, and the connection ready for the next one; `isHeldBack` where that waits for its turn.
    mutating func served(until: UInt32, isHeldBack: Bool) {
        guard state == .serving else { return }
        state = isHeldBack ? .heldBack(until: until) : .reading(until: until)
    }

    /// A head came that waits for its turn.
    mutating func holdBack() {
        guard case .reading(let until) = state else { return }
        state = .heldBack(until: until)
    }

    /// The turn of one that was held back has come; whether it was.
    mutating func letGo() -> Bool {
        guard case .heldBack(let until) = state else { return false }
        state = .reading(until: until)
        return true
    }

    /// The client sends nothing more.
    mutating func inputEnded() -> Action {
        isInputEnded = true
        switch state {
        case .reading, .heldBack: return .closeIfServed
        case .serving: return .tellExchange
        case .lingering: return .close
        case .flushing, .handedOver, .closed: return .none
        }
    }

    /// Takes leave once everything written has left; false where it has done so already.
    mutating func leave(_ farewell: Farewell, at tick: UInt32) -> Bool {
        guard !isLeaving else { return false }
        state = .flushing(then: farewell, until: tick &+ Limits.bodyIdleTicks, dropped: 0)
        return true
    }

    /// Everything written has left.
    mutating func flushed(at tick: UInt32) -> Action {
        guard case .flushing(let farewell, _, let dropped) = state else { return .none }
        guard farewell == .linger, !isInputEnded else { return .close }
        state = .lingering(
            idleUntil: tick &+ Limits.lingerIdleTicks, until: tick &+ Limits.lingerTicks, dropped: dropped)
        return .closeOutput
    }

    /// So many bytes came that nobody wants.
    mutating func dropped(_ count: Int, at tick: UInt32) -> Action {
        switch state {
        case .reading, .heldBack, .serving, .handedOver, .closed: return .none
        case .flushing(let farewell, let until, let before):
            state = .flushing(then: farewell, until: until, dropped: before + count)
            return before + count > Limits.lingerBytes ? .close : .none
        case .lingering(_, let until, let before):
            state = .lingering(
                idleUntil: min(tick &+ Limits.lingerIdleTicks, until), until: until, dropped: before + count)
            return before + count > Limits.lingerBytes ? .close : .none
        }
    }

    /// Bytes left for a client that reads slowly, which is progress too.
    mutating func progressed(at tick: UInt32) {
        let until = tick &+ Limits.bodyIdleTicks
        switch state {
        case .reading: state = .reading(until: until)
        case .heldBack: state = .heldBack(until: until)
        case .flushing(let farewell, _, let dropped):
            state = .flushing(then: farewell, until: until, dropped: dropped)
        case .serving, .lingering, .handedOver, .closed: break
        }
    }

    /// The loop's clock moved on.
    func ticked(at tick: UInt32) -> Action {
        switch state {
        case .reading(let until), .heldBack(let until): tick >= until ? .headOverdue : .none
        case .serving: .tellExchange
        case .flushing(_, let until, _): tick >= until ? .close : .none
        case .lingering(let idleUntil, let until, _): tick >= min(idleUntil, until) ? .close : .none
        case .handedOver, .closed: .none
        }
    }

    /// The gateway ends: an idle connection is kept for the moment in which a request may be on its way, half a head a
    /// little longer, a request under way all the time there is.
    mutating func drain(hasBegunHead: Bool, at tick: UInt32) -> Action {
        let end = tick &+ (hasBegunHead ? Limits.drainedHeadTicks : Limits.drainedIdleTicks)
        switch state {
        case .reading(let until): state = .reading(until: min(until, end))
        case .heldBack(let until): state = .heldBack(until: min(until, end))
        case .serving: return .tellExchange
        case .flushing, .lingering, .handedOver, .closed: break
        }
        return .none
    }

    /// Another handler takes the connection over; whether that may be, since no request has begun.
    mutating func handOver() -> Bool {
        guard case .reading = state else { return false }
        state = .handedOver
        return true
    }

    /// Closed; whether it was open.
    mutating func close() -> Bool {
        guard state != .closed, state != .handedOver else { return false }
        state = .closed
        return true
    }
}
