package import Gatekeeper

/// What one event loop counted since it began, or several of them together.
///
/// Plain numbers that belong to the loop, so that counting takes no lock, no atomic operation and no memory. They only
/// grow; whoever wants them asks the loop for a copy (`CountersBoard`).
package struct LoopCounters: Sendable {
    /// What became of a request.
    package enum Verdict: Int, Sendable, CaseIterable {
        /// An upstream's response went out whole, or a WebSocket began.
        case admitted
        /// Refused, which whoever asked has to mend (a status below 500).
        case refused
        /// Refused, since the gateway or an upstream lacks something (a status from 500 on).
        case failed
        /// It ended before its response was whole.
        case brokenOff

        /// What a request comes to that is refused with this.
        package init(_ refusal: Refusal) {
            self = refusal.row.status.code < 500 ? .refused : .failed
        }
    }

    // MARK: Requests

    /// Requests to which an upstream's response went out whole, and WebSockets that began.
    package internal(set) var admitted: UInt64 = 0
    /// Requests that were refused, by why; as many entries at most as there are refusals.
    package internal(set) var refusals: [Refusal: UInt64] = [:]
    /// Responses that the gateway broke off, since the upstream or the time for them ended.
    package internal(set) var cutResponses: UInt64 = 0
    /// Requests whose client was gone before the response was whole.
    package internal(set) var lostClients: UInt64 = 0
    /// Requests that a rule in shadow would have refused.
    package internal(set) var shadowRefusals: UInt64 = 0
    /// Upstreams' responses by the first digit of their status, at the indices 1 to 9.
    package internal(set) var responses: InlineArray<10, UInt64> = .init(repeating: 0)

    /// Those of them that were questions of other proxies, by what became of them.
    package internal(set) var questions = QuestionCounts()

    // MARK: Times

    /// From a request's head to its response's end, by what became of it.
    package internal(set) var admittedTimes = LatencyHistogram()
    /// The same of those refused.
    package internal(set) var refusedTimes = LatencyHistogram()
    /// The same of those failed.
    package internal(set) var failedTimes = LatencyHistogram()
    /// What the gateway itself needed of it (`ExchangeTimes.ownShare`).
    package internal(set) var ownShares = LatencyHistogram()
    /// From a request's head being sent upstream to the head of the response.
    package internal(set) var upstreamTimes = LatencyHistogram()
    /// Waits for a connection to an upstream, where none was at hand.
    package internal(set) var connectionWaits = LatencyHistogram()
    /// Waits of a request for its tenant's turn to have a token verified.
    package internal(set) var verificationWaits = LatencyHistogram()
    /// Waits of a request for a key that its loop did not know.
    package internal(set) var keyWaits = LatencyHistogram()
    /// From a snapshot's publication to the moment in which the loop took it.
    package internal(set) var snapshotWaits = LatencyHistogram()
    /// How late the ticks of the loop's clock came.
    package internal(set) var tickDelays = LatencyHistogram()

    // MARK: Keys

    /// Requests that asked for a key, by what its pool said: it is there, the set lacks it, it cannot be had.
    package internal(set) var presentKeys: UInt64 = 0
    /// See `presentKeys`.
    package internal(set) var absentKeys: UInt64 = 0
    /// See `presentKeys`.
    package internal(set) var unavailableKeys: UInt64 = 0

    // MARK: Connections

    /// Clients' connections that were accepted.
    package internal(set) var acceptedConnections: UInt64 = 0
    /// Those of them that were turned away at once.
    package internal(set) var refusedConnections: UInt64 = 0
    /// Clients' connections that turned out to speak HTTP/2, and requests that came by them.
    package internal(set) var http2Connections: UInt64 = 0
    /// See `http2Connections`.
    package internal(set) var http2Requests: UInt64 = 0
    /// WebSockets that began.
    package internal(set) var openedWebSockets: UInt64 = 0
    /// WebSockets that the gateway closed, since time or the rows no longer allowed them.
    package internal(set) var closedWebSockets: UInt64 = 0
    /// Bytes from clients, without those of TLS.
    package internal(set) var clientBytesReceived: UInt64 = 0
    /// Bytes to clients, without those of TLS.
    package internal(set) var clientBytesSent: UInt64 = 0
    /// Bytes from upstreams, without those of TLS.
    package internal(set) var upstreamBytesReceived: UInt64 = 0
    /// Bytes to upstreams, without those of TLS.
    package internal(set) var upstreamBytesSent: UInt64 = 0

    // MARK: Upstreams

    /// Connections to upstreams that were made.
    package internal(set) var madeConnections: UInt64 = 0
    /// Connections to upstreams that could not be made, by why; as many entries at most as there are faults.
    package internal(set) var failedConnections: [UpstreamFault: UInt64] = [:]
    /// Requests that were sent again, since their first connection broke under them.
    package internal(set) var retries: UInt64 = 0
    /// How often an upstream was left out for everybody.
    package internal(set) var ejections: UInt64 = 0
    /// How often an upstream was left out for one tenant alone.
    package internal(set) var tenantEjections: UInt64 = 0

    /// Counters of nothing.
    package init() {}

    /// Takes in what another loop counted.
    package mutating func add(_ other: LoopCounters) {
        for path in LoopCounters.numbers { self[keyPath: path] &+= other[keyPath: path] }
        for path in LoopCounters.histograms { self[keyPath: path].add(other[keyPath: path]) }
        refusals.merge(other.refusals, uniquingKeysWith: &+)
        failedConnections.merge(other.failedConnections, uniquingKeysWith: &+)
        questions.add(other.questions)
        for digit in responses.indices { responses[digit] &+= other.responses[digit] }
    }

    /// Every plain number; a test holds this list to the declarations above.
    static var numbers: [WritableKeyPath<LoopCounters, UInt64>] {
        [
            \.admitted, \.cutResponses, \.lostClients, \.shadowRefusals, \.presentKeys, \.absentKeys,
            \.unavailableKeys, \.acceptedConnections, \.refusedConnections, \.http2Connections,
            \.http2Requests, \.openedWebSockets, \.closedWebSockets, \.clientBytesReceived, \.clientBytesSent,
            \.upstreamBytesReceived,
            \.upstreamBytesSent, \.madeConnections, \.retries, \.ejections, \.tenantEjections,
        ]
    }

    /// Every histogram; a test holds this list to the declarations above.
    static var histograms: [WritableKeyPath<LoopCounters, LatencyHistogram>] {
        [
            \.admittedTimes, \.refusedTimes, \.failedTimes, \.ownShares, \.upstreamTimes, \.connectionWaits,
            \.verificationWaits, \.keyWaits, \.snapshotWaits, \.tickDelays,
        ]
    }
}
