import Gatekeeper
import NIOCore

/// An answer that the gateway gives itself: a refusal rendered as HTTP (CONTRACT.md, "Answers").
enum OwnAnswer {
    /// What a refusal's bytes depend on besides the refusal.
    struct Circumstances {
        /// The effective host as the client wrote it; empty where the head was unreadable.
        var host: [UInt8]
        var isHead: Bool
        var closes: Bool
        var isHTTP10: Bool
        /// The origin whose page may read the answer; empty for none.
        var allowedOrigin: [UInt8]
        var requestID: RequestID
        /// `Date`, rendered.
        var date: [UInt8]
    }

    /// Head and body of the answer to `refusal`.
    static func write(_ answer: Answer, _ circumstances: Circumstances, into buffer: inout ByteBuffer) {
        let body =
            #"{"error":"\#(answer.error)","error_description":"\#(answer.description)","#
            + #""request_id":"\#(circumstances.requestID)"}"# + "\n"
        buffer.writeString("HTTP/1.1 \(answer.status) \(reason(answer.status))\r\nDate: ")
        buffer.writeBytes(circumstances.date)
        buffer.writeString(
            "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: \(body.utf8.count)\r\n"
        )
        writeChallenge(answer.challenge, host: circumstances.host, into: &buffer)
        if answer.status == 401 || answer.status == 403, !circumstances.allowedOrigin.isEmpty {
            // Fetch, "CORS protocol and HTTP caches": the answer depends on who asks.
            buffer.writeString("Access-Control-Allow-Origin: ")
            buffer.writeBytes(circumstances.allowedOrigin)
            buffer.writeString(
                "\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: WWW-Authenticate\r\nVary: Origin\r\n"
            )
        }
        if let seconds = answer.retryAfterSeconds { buffer.writeString("Retry-After: \(seconds)\r\n") }
        if answer.status == 405 {
            buffer.writeString("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
        }
        if answer.status == 426 {
            // What an answer of this status must name (RFC 9110 §15.5.22, RFC 6455 §4.4).
            buffer.writeString(
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n")
        } else if circumstances.closes {
            buffer.writeString("Connection: close\r\n")
        } else if circumstances.isHTTP10 {
            buffer.writeString("Connection: keep-alive\r\n")
        }
        buffer.writeString("\r\n")
        if !circumstances.isHead { buffer.writeString(body) }
    }

    /// `WWW-Authenticate` (RFC 6750 §3); a host that the parser admitted needs no quoting.
    private static func writeChallenge(
        _ challenge: Answer.Challenge, host: [UInt8], into buffer: inout ByteBuffer
    ) {
        guard challenge != .none else { return }
        buffer.writeString("WWW-Authenticate: Bearer realm=\"")
        buffer.writeBytes(host)
        buffer.writeString("\"")
        if case .error(let word) = challenge { buffer.writeString(", error=\"\(word)\"") }
        buffer.writeString("\r\n")
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 426: "Upgrade Required"
        case 431: "Request Header Fields Too Large"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 508: "Loop Detected"
        default: "Error"
        }
    }
}
