import Gatekeeper
import NIOCore

/// Writes a refusal as the HTTP/1 response that the client gets.
enum RefusalResponseWriter {
    /// What the response's bytes depend on besides the refusal.
    struct Circumstances {
        /// The effective host as the client wrote it; empty where the head was unreadable.
        var host: [UInt8]
        var isHead: Bool
        var closes: Bool
        var isHTTP10: Bool
        /// The origin whose page may read the response; empty for none.
        var allowedOrigin: [UInt8]
        var requestID: RequestID
        /// `Date`, rendered.
        var date: [UInt8]
    }

    /// Appends head and body of the response; the body of one to HEAD is left out, its length is not (RFC 9110 §9.3.2).
    static func write(_ row: RefusalRow, _ circumstances: Circumstances, into buffer: inout ByteBuffer) {
        let body =
            #"{"error":"\#(row.error)","error_description":"\#(row.description)","#
            + #""request_id":"\#(circumstances.requestID)"}"# + "\n"
        buffer.writeString("HTTP/1.1 \(row.status.code) \(row.status.reason)\r\nDate: ")
        buffer.writeBytes(circumstances.date)
        buffer.writeString(
            "\r\nX-Request-Id: \(circumstances.requestID)\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: \(body.utf8.count)\r\n"
        )
        writeChallenge(row.challenge, host: circumstances.host, into: &buffer)
        if row.isReadableByPages, !circumstances.allowedOrigin.isEmpty {
            // Fetch, "CORS protocol and HTTP caches": the response depends on who asks.
            buffer.writeString("Access-Control-Allow-Origin: ")
            buffer.writeBytes(circumstances.allowedOrigin)
            buffer.writeString(
                "\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: WWW-Authenticate\r\nVary: Origin\r\n"
            )
        }
        for field in row.fields { buffer.writeString("\(field.name): \(field.value)\r\n") }
        writeConnection(row, circumstances, into: &buffer)
        buffer.writeString("\r\n")
        if !circumstances.isHead { buffer.writeString(body) }
    }

    /// `WWW-Authenticate` (RFC 6750 §3); a host that the parser admitted needs no quoting.
    private static func writeChallenge(
        _ challenge: RefusalRow.Challenge, host: [UInt8], into buffer: inout ByteBuffer
    ) {
        guard challenge != .none else { return }
        buffer.writeString("WWW-Authenticate: Bearer realm=\"")
        buffer.writeBytes(host)
        buffer.writeString("\"")
        if case .error(let word) = challenge { buffer.writeString(", error=\"\(word)\"") }
        buffer.writeString("\r\n")
    }

    /// `Connection`, where the version's own default does not hold, or where it must name `Upgrade` (RFC 9110 §7.8).
    private static func writeConnection(
        _ row: RefusalRow, _ circumstances: Circumstances, into buffer: inout ByteBuffer
    ) {
        var options: [String] = row.fields.contains(.upgrade) ? ["Upgrade"] : []
        if circumstances.closes {
            options.append("close")
        } else if circumstances.isHTTP10 {
            options.append("keep-alive")
        }
        guard !options.isEmpty else { return }
        buffer.writeString("Connection: \(options.joined(separator: ", "))\r\n")
    }
}
