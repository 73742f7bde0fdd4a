package import HTTPMessage

/// What the log says of a refusal beyond its code, in the field `detail`.
///
/// Loops hand it on as it is; its text is made by the log's writer.
package enum RefusalDetail: Hashable, Sendable {
    /// Which rule of HTTP a request, or an upstream's response, breaks.
    case messageFlaw(MessageFlaw)
    /// What is ambiguous about a path.
    case pathFlaw(PathFlaw)
    case badWebSocket
    /// Why it is not clear what a question is about.
    case questionFlaw(QuestionFlaw)
    /// The upstream that failed the request.
    case upstream(Upstream)
    /// The upstream to which no connection came about, and why, as a sentence without its full stop.
    indirect case unreached(Upstream, String)
    /// How many bytes there were of a head whose time was over.
    case unfinishedHead(Int)
    /// The host for which the client made the connection; empty where it named none.
    indirect case madeFor([UInt8])
    /// More interim responses (1xx) than one request may get.
    case interimResponses
    /// The upstream's response does not agree to WebSocket as RFC 6455 §4.2.2 has it.
    case webSocketHandshake
    /// No response was refused, but an open WebSocket was closed.
    case webSocketClosed
    /// No response was refused, but a gRPC call under way was ended.
    case callEnded
    /// No word came of the key, within the time that a request waits for it.
    case noKeyLookup
    // Which bound makes the gateway say that too much is waiting.
    case connections
    case connectionsPerAddress
    case upstreamConnections
    case waitingUploads
    case verification
    /// The bound that the body exceeds, in bytes.
    case bodyLimit(UInt64)
    /// What the judgement found.
    indirect case found(RefusalFinding)
    /// A rule in shadow, by its id: it would have refused the request, which was admitted.
    case shadowRule(Int64)

    /// As the log has it; nil for what a judgement found, which the log has words of its own for.
    package var text: String? {
        switch self {
        case .messageFlaw(let flaw): flaw.rawValue
        case .pathFlaw(let flaw): flaw.rawValue
        case .badWebSocket: "bad_websocket"
        case .questionFlaw(let flaw): flaw.rawValue
        case .upstream(let upstream): upstream.description
        case .unreached(let upstream, let reason): "\(upstream.description): \(reason)"
        case .unfinishedHead(let bytes): "\(bytes) bytes of it had come"
        case .madeFor(let host):
            host.isEmpty
                ? "the connection was made without a name"
                : "the connection was made for \(String(decoding: host, as: UTF8.self))"
        case .interimResponses: "interim_answer"
        case .webSocketHandshake: "websocket_handshake"
        case .webSocketClosed: "websocket_closed"
        case .callEnded: "call_ended"
        case .noKeyLookup: "no_answer"
        case .connections: "connections"
        case .connectionsPerAddress: "connections_per_address"
        case .upstreamConnections: "upstream_connections"
        case .waitingUploads: "waiting_uploads"
        case .verification: "verification"
        case .bodyLimit(let bytes): "\(bytes)"
        case .found: nil
        case .shadowRule(let id): "\(id)"
        }
    }
}
