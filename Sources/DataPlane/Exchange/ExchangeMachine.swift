import Gatekeeper

/// The life of one request and its response, as a value that does no input or output: where it stands, and what
/// follows from each event.
///
/// A state carries what only it needs, its clock included. Every event is a `mutating` function; what it returns is
/// the action that `Exchange` carries out. The machine does not know which wire the client or the upstream speaks, nor
/// whether the client's connection carries one exchange or many. Times are ticks of the loop's clock (`Limits.tick`).
struct ExchangeMachine: ~Copyable {
    private(set) var state = State.ended
    private var request = Request(hasBody: false, isIdempotent: true)
    /// Whether the client has said that it sends nothing more (a FIN; in HTTP/2, END_STREAM).
    private var isClientEnded = false
    /// The number of the last wait: what was asked for an earlier one finds nobody waiting.
    private var lastTicket: UInt32 = 0
    private let clocks: Clocks

    /// What the request is, as far as its life depends on it.
    struct Request: Equatable {
        var hasBody: Bool
        /// Whether sending it twice does what sending it once does (RFC 9110 §9.2.2).
        var isIdempotent: Bool
        /// Whether it is a question, which ends at its judgement.
        var isQuestion = false
    }

    /// The waits whose length is a setting, in ticks.
    struct Clocks: Equatable {
        /// For the loop to have time for one more signature.
        var verification: UInt32
        /// For one of the upstream's connections to be free.
        var upstreamLine: UInt32
    }

    /// Where the exchange stands.
    enum State: Equatable {
        /// The judge is being asked.
        case judging
        /// The judgement cost a signature: what it came to is carried out when the loop's batch ends.
        case awaitingBatch(until: UInt32)
        /// It stands in line for its tenant's turn to have a token verified.
        case awaitingTurn(until: UInt32)
        /// The user pool's actor is asked for a key.
        case awaitingKey(Wait)
        /// It is admitted, and one of the tenant's upstreams is asked for a connection.
        case routing(Attempts)
        /// It stands in the upstream's line for a connection to be free.
        case queued(Wait, Attempts)
        /// A connection to the upstream is being opened for it.
        case connecting(Wait, Attempts)
        /// Request and response are on their way.
        case transferring(Transfer)
        /// Both sides agreed on WebSocket; bytes go both ways.
        case tunnelling(Tunnel)
        /// Nothing is left to be done.
        case ended
    }

    /// A wait for somebody's result, which carries the wait's ticket; one with another ticket belongs to an earlier wait and
    /// is ignored.
    struct Wait: Equatable {
        let ticket: UInt32
        let until: UInt32
    }

    /// What was tried already to reach an upstream.
    struct Attempts: Equatable {
        /// Whether it was sent a second time, because the first connection broke before a byte of a response.
        var isRetried = false
        /// Whether it was moved to another upstream, because the first could not be connected to.
        var isMoved = false
    }

    /// A request and its response on their way.
    struct Transfer: Equatable {
        var attempts = Attempts()
        /// Whether the last byte of the request was passed on.
        var isRequestComplete: Bool
        var isResponseBegun = false
        var interim = InterimResponses()
        /// When it ends unless something moves.
        var until: UInt32
    }

    /// A WebSocket under way.
    struct Tunnel: Equatable {
        var isUpstreamEnded = false
        /// Why it is being closed and by when, once it is.
        var closing: Closing?
    }

    /// A Close frame of the gateway's own that waits for the boundary between two frames.
    struct Closing: Equatable {
        let code: CloseCode
        let until: UInt32
    }

    init(clocks: Clocks) {
        self.clocks = clocks
    }

    // MARK: Judgement

    /// The request's head was read; `isClientEnded` where the client has ended its side already.
    mutating func begin(_ request: Request, isClientEnded: Bool) {
        self.request = request
        self.isClientEnded = isClientEnded
        state = .judging
    }

    /// What a judgement came to.
    enum Outcome {
        case refused(Refusal, RefusalDetail?)
        case admitted
        /// A key is needed that is not known.
        case lacksKey
        /// A signature is to be verified, and the loop has no time for it before others had their turn.
        case lacksTurn
    }

    /// The judge has spoken. `isCostly` where a signature was verified: then the loop finishes its batch first.
    mutating func judged(_ outcome: Outcome, isCostly: Bool, at tick: UInt32) -> ExchangeAction {
        guard state == .judging else { return .none }
        if isCostly {
            state = .awaitingBatch(until: tick &+ clocks.verification)
            return .awaitBatch
        }
        return follow(outcome, at: tick)
    }

    /// The loop's batch has ended; `outcome` is what the judgement in it came to.
    mutating func batchEnded(_ outcome: Outcome, at tick: UInt32) -> ExchangeAction {
        guard case .awaitingBatch = state else { return .none }
        return follow(outcome, at: tick)
    }

    private mutating func follow(_ outcome: Outcome, at tick: UInt32) -> ExchangeAction {
        switch outcome {
        case .refused(let refusal, let detail):
            state = .ended
            return .refuse(refusal, detail, blamesUpstream: false)
        case .admitted where request.isQuestion:
            state = .ended
            return .answer
        case .admitted:
            state = .routing(Attempts())
            return .findConnection
        case .lacksKey:
            let wait = wait(Limits.keyTicks, tick)
            state = .awaitingKey(wait)
            return .askForKey(ticket: wait.ticket)
        case .lacksTurn:
            state = .awaitingTurn(until: tick &+ clocks.verification)
            return .lineUp
        }
    }

    /// Its tenant's turn has come; whether it is to be judged again.
    mutating func turnCame() -> Bool {
        guard case .awaitingTurn = state else { return false }
        state = .judging
        return true
    }

    /// The user pool's actor has the result for the wait of `ticket`; whether it is to be judged again.
    mutating func keyCame(_ ticket: UInt32) -> Bool {
        guard case .awaitingKey(let wait) = state, wait.ticket == ticket else { return false }
        state = .judging
        return true
    }

    /// The gateway itself has the response, and nobody is judged for it.
    mutating func responded() {
        state = .ended
    }

    /// Something other than the judge refuses it: a bound, a flaw in the body, a full line.
    mutating func refused(_ refusal: Refusal, _ detail: RefusalDetail?) -> ExchangeAction {
        end(refusal, detail, blamesUpstream: false)
    }

    // MARK: The way to an upstream

    /// It joins the upstream's line for a connection; gives the ticket of the wait.
    mutating func joinedLine(at tick: UInt32) -> UInt32 {
        let wait = wait(clocks.upstreamLine, tick)
        if let attempts { state = .queued(wait, attempts) }
        return wait.ticket
    }

    /// A connection is being opened for it; gives the ticket of the wait.
    mutating func connectionBegun(at tick: UInt32) -> UInt32 {
        let wait = wait(Limits.connectionTicks, tick)
        if let attempts { state = .connecting(wait, attempts) }
        return wait.ticket
    }

    /// Whether it still waits for the connection of `ticket`.
    func waits(for ticket: UInt32) -> Bool {
        switch state {
        case .queued(let wait, _), .connecting(let wait, _): wait.ticket == ticket
        case .judging, .awaitingBatch, .awaitingTurn, .awaitingKey, .routing, .transferring, .tunnelling,
            .ended:
            false
        }
    }

    /// A connection is there for it. `isRestAtHand` where all that is left of a body was read already: without it a
    /// client that has ended its side can never finish its body, and is left.
    mutating func connected(isRestAtHand: Bool, at tick: UInt32) -> ConnectionUse {
        guard let attempts else { return .park }
        if isClientEnded, request.hasBody, !isRestAtHand {
            state = .ended
            return .parkAndBreakOff
        }
        let ticks = request.hasBody ? Limits.bodyIdleTicks : Limits.responseTicks
        state = .transferring(
            Transfer(attempts: attempts, isRequestComplete: !request.hasBody, until: tick &+ ticks))
        return .start
    }

    /// No connection could be opened: another of the tenant's upstreams is tried, once.
    mutating func connectFailed(_ fault: UpstreamFault) -> ExchangeAction {
        guard case .connecting(_, var attempts) = state else { return .none }
        guard !attempts.isMoved else { return end(.upstream(fault), nil, blamesUpstream: false) }
        attempts.isMoved = true
        state = .routing(attempts)
        return .move(fault)
    }

    /// The attempts so far of one that has no connection yet; nil where it wants none.
    private var attempts: Attempts? {
        switch state {
        case .routing(let attempts), .queued(_, let attempts), .connecting(_, let attempts): attempts
        case .judging, .awaitingBatch, .awaitingTurn, .awaitingKey, .transferring, .tunnelling, .ended: nil
        }
    }

    // MARK: Time

    /// The loop's clock has moved on: ends what took too long.
    mutating func ticked(at tick: UInt32) -> ExchangeAction {
        switch state {
        case .judging, .routing, .ended: return .none
        case .awaitingBatch(let until), .awaitingTurn(let until):
            guard tick >= until else { return .none }
            return end(.gateway(.overloaded), .verification, blamesUpstream: false)
        case .awaitingKey(let wait):
            guard tick >= wait.until else { return .none }
            return end(.gateway(.keysUnavailable), .noKeyLookup, blamesUpstream: false)
        case .queued(let wait, _):
            guard tick >= wait.until else { return .none }
            return end(.gateway(.overloaded), .upstreamConnections, blamesUpstream: false)
        case .connecting(let wait, _):
            guard tick >= wait.until else { return .none }
            return end(.upstream(.connectTimeout), nil, blamesUpstream: false)
        case .transferring(let transfer):
            guard tick >= transfer.until else { return .none }
            guard !transfer.isResponseBegun, transfer.isRequestComplete else {
                state = .ended
                return .breakOff(nil, nil, blamesUpstream: false)
            }
            return end(.upstream(.responseTimeout), nil, blamesUpstream: true)
        case .tunnelling(let tunnel):
            guard let closing = tunnel.closing, tick >= closing.until else { return .none }
            state = .ended
            return .reset
        }
    }

    // MARK: The client

    /// The client sends nothing more. After a whole request it only says that it sends no other: its response takes
    /// the time that it takes (RFC 9112 §9.6).
    mutating func clientEnded() -> ExchangeAction {
        isClientEnded = true
        switch state {
        case .judging, .awaitingBatch, .awaitingTurn, .awaitingKey, .routing, .queued, .connecting, .ended:
            return .none
        case .transferring(let transfer):
            guard !transfer.isRequestComplete else { return .none }
            state = .ended
            return .breakOff(nil, nil, blamesUpstream: false)
        case .tunnelling(let tunnel):
            guard !tunnel.isUpstreamEnded else {
                state = .ended
                return .closeClient
            }
            return .endUpstreamOutput
        }
    }

    /// The client is gone: a reset, a failed write, an aborted stream. What is under way is given up.
    mutating func clientLost() {
        state = .ended
    }

    /// What of the client's bytes the exchange takes in this state, for whoever reads them.
    var intake: Intake {
        switch state {
        case .judging, .awaitingKey, .ended: .nothing
        case .awaitingBatch, .awaitingTurn: .onePiece
        case .routing, .queued, .connecting: request.hasBody ? .nothing : .onePiece
        case .transferring(let transfer): transfer.isRequestComplete ? .nextRequests : .body
        case .tunnelling: .tunnel
        }
    }

    /// What of a client's bytes an exchange takes.
    enum Intake: Equatable {
        /// Nothing is read.
        case nothing
        /// Nothing is used; one piece may be read, so that a client that leaves is noticed.
        case onePiece
        /// The request's body, as fast as the upstream takes it.
        case body
        /// The request is whole: what comes is for the next one, and waits within bounds.
        case nextRequests
        /// Bytes of a WebSocket, as fast as the upstream takes them.
        case tunnel
    }

    // MARK: Parts

    mutating func wait(_ ticks: UInt32, _ tick: UInt32) -> Wait {
        lastTicket &+= 1
        return Wait(ticket: lastTicket, until: tick &+ ticks)
    }

    /// Ends with a refusal; where a response has begun, that can only be broken off.
    mutating func end(
        _ refusal: Refusal, _ detail: RefusalDetail?, blamesUpstream: Bool
    ) -> ExchangeAction {
        let before = state
        state = .ended
        switch before {
        case .judging, .awaitingBatch, .awaitingTurn, .awaitingKey, .routing, .queued, .connecting:
            return .refuse(refusal, detail, blamesUpstream: blamesUpstream)
        case .transferring(let transfer):
            guard transfer.isResponseBegun else {
                return .refuse(refusal, detail, blamesUpstream: blamesUpstream)
            }
            return .breakOff(nil, nil, blamesUpstream: blamesUpstream)
        case .tunnelling: return .breakOff(nil, nil, blamesUpstream: false)
        case .ended: return .none
        }
    }

    /// Changes a transfer under way in place; nil where none is.
    mutating func withTransfer<Value>(_ body: (inout Transfer) -> Value) -> Value? {
        guard case .transferring(var transfer) = state else { return nil }
        let value = body(&transfer)
        state = .transferring(transfer)
        return value
    }

    mutating func move(to state: State) {
        self.state = state
    }

    var hasBody: Bool { request.hasBody }
    var maySendTwice: Bool { !request.hasBody && request.isIdempotent }
    var hasClientEnded: Bool { isClientEnded }
}
