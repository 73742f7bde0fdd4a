import Gatekeeper

/// What follows from an event of an exchange; `Exchange` carries it out.
enum ExchangeAction: Equatable {
    case none
    /// Carry out what the judgement came to when the loop's batch ends.
    case awaitBatch
    /// Stand in line for the tenant's turn to have a token verified.
    case lineUp
    /// Ask the user pool's actor for the key; what it says comes with this ticket.
    case askForKey(ticket: UInt32)
    /// Choose one of the tenant's upstreams and a connection to it.
    case findConnection
    /// Say that the request in question may pass.
    case answer
    /// Choose another of the tenant's upstreams; where there is none, refuse for this fault.
    case move(UpstreamFault)
    /// Ask the same upstream for another connection.
    case retry
    /// Respond with a refusal, and give up the upstream's connection where there is one; `blamesUpstream` where the
    /// request reached the upstream and no usable response came.
    case refuse(Refusal, RefusalDetail?, blamesUpstream: Bool)
    /// End so that the client cannot take the response for whole, and give up the upstream; the refusal is for the log.
    case breakOff(Refusal?, RefusalDetail?, blamesUpstream: Bool)
    /// The response is out whole.
    case finish
    /// Tell the upstream that the client sends nothing more.
    case endUpstreamOutput
    /// Tell the client that the upstream sends nothing more.
    case endClientOutput
    /// Close the client's side at once.
    case closeClient
    /// Close the client's side once everything written has left.
    case closeClientWhenSent
    /// A WebSocket is to end: at the next boundary between two frames of what goes to the client.
    case endTunnel
    /// Send the client a Close frame, where the upstream has not ended its side, and close both sides.
    case sayClose(CloseCode?)
    /// Close the client's side with a reset.
    case reset
}

/// What becomes of a connection to an upstream that an exchange is given.
enum ConnectionUse: Equatable {
    /// The request goes by it.
    case start
    /// Nobody waits for it: it goes back unused.
    case park
    /// It goes back unused, and the client is left, which ended its side before its request was whole.
    case parkAndBreakOff
}

/// Why the gateway closes a WebSocket (RFC 6455 §7.4.1).
enum CloseCode: UInt16 {
    case goingAway = 1001
    case policyViolation = 1008
}
