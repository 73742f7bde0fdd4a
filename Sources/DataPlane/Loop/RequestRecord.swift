package import Gatekeeper
package import NIOCore

/// What an event loop notes about a request for the log. Its text is made by the log's writer, not on the loop.
///
/// Bounded: besides its own size it holds `RecordedText` (800 bytes at most) and what a refusal's finding
/// holds (17 texts of `Gatekeeper.Limits.foundBytes` at most); the rest it shares with the directory and the connection.
package struct RequestRecord: Sendable {
    /// When the request ended.
    package var time: Instant
    /// The `request_id` of the response; `.none` where no response belongs to the record.
    package var requestID = RequestID.none
    /// The row's host, where one was found.
    package var tenant: HostPattern?
    /// What the request said: host, method and path.
    package var text = RecordedText()
    /// The client's address: behind a trusted balancer the one that the balancer named.
    package var client: SocketAddress?
    /// `sub` of the token, cut to a bound; empty where there is none, or none was read.
    package var subject: [UInt8] = []
    /// Whether the token's signature was verified: else anybody could have written the subject.
    package var isSubjectVerified = false
    /// The id of the rule that decided; nil where none is for the path, or it was not looked for.
    package var rule: Int64?
    /// The HTTP status that the client got; 0 where it got none.
    package var status: Int
    /// Nil for a request that was admitted.
    package var refusal: Refusal?
    /// What the log says beyond the refusal's code, where there is more to say.
    package var detail: RefusalDetail?
    /// How an admitted request ended.
    package var end = End.whole
    /// From the head's last byte, or of an unreadable head from its first, to the response's last; 0 where nothing came.
    package var microseconds: Int64 = 0
    /// When its parts happened.
    package var times = ExchangeTimes()
    /// How it is part of a trace; nil where it is of none.
    package var trace: RequestTrace?
    /// Payload bytes of the request's body; of a WebSocket all bytes of the client since the handshake.
    package var bytesIn: UInt64 = 0
    /// Payload bytes of the response's body; of a WebSocket all bytes of the upstream since the handshake.
    package var bytesOut: UInt64 = 0
    /// What the client spoke; nil where its head could not be read.
    package var spoken: Spoken?
    /// How it was asked whether the request may pass; nil where the request itself came.
    package var form: QuestionForm?
    /// Where the request went; nil where it was refused before.
    package var upstream: Upstream?
    /// Above 0, the record stands for so many refusals of its tenant and code that have no record of their own.
    package var others = 0

    /// A record of the least that there is to say.
    package init(
        time: Instant, status: Int, tenant: HostPattern? = nil, refusal: Refusal? = nil, others: Int = 0
    ) {
        self.time = time
        self.status = status
        self.tenant = tenant
        self.refusal = refusal
        self.others = others
    }

    /// The client's address as text, without a port; made anew with each call.
    package var clientText: String? { client?.ipAddress }

    /// What a client spoke.
    package enum Spoken: String, Sendable {
        case http2 = "HTTP/2"
        case http11 = "HTTP/1.1"
        case http10 = "HTTP/1.0"
        case webSocket = "websocket"
    }

    /// How an admitted request ended.
    package enum End: String, Sendable {
        /// The response went out whole, or a WebSocket came to its end.
        case whole
        /// The client left before.
        case clientLeft = "client_left"
        /// The upstream, or a clock, ended it after the response had begun.
        case brokenOff = "broken_off"
    }
}

/// The words of a request that are recorded, each cut to a bound, in one piece of memory.
package struct RecordedText: Sendable {
    private var bytes: [UInt8] = []
    private var ends: SIMD4<UInt16> = .zero

    /// Nothing.
    package init() {}

    /// These words, of which no more is kept than `Limits.recordedMethodBytes`, `Limits.recordedHostBytes` and
    /// `Limits.recordedPathBytes`.
    package init(
        method: some Collection<UInt8>, host: some Collection<UInt8>, path: some Collection<UInt8>
    ) {
        let (method, host, path) = (
            method.prefix(Limits.recordedMethodBytes), host.prefix(Limits.recordedHostBytes),
            path.prefix(Limits.recordedPathBytes)
        )
        bytes.reserveCapacity(method.count + host.count + path.count)
        bytes += method
        ends[0] = UInt16(truncatingIfNeeded: bytes.count)
        bytes += host
        ends[1] = UInt16(truncatingIfNeeded: bytes.count)
        bytes += path
    }

    /// The method as it came; empty where the head was unreadable.
    package var method: ArraySlice<UInt8> { bytes[..<Int(ends[0])] }
    /// The request's host as it came.
    package var host: ArraySlice<UInt8> { bytes[Int(ends[0])..<Int(ends[1])] }
    /// The path without its query.
    package var path: ArraySlice<UInt8> { bytes[Int(ends[1])...] }
}
