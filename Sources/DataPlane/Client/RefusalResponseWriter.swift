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
        /// The status, where it is another than the refusal's own.
        var status: RefusalStatus?
        /// The exact reason, where a trusted caller asked; nil for anybody else.
        var code: String?
    }

    /// Appends head and body of the response; the body of one to HEAD is left out, its length is not (RFC 9110 §9.3.2).
    static func write(_ row: RefusalRow, _ circumstances: Circumstances, into buffer: inout ByteBuffer) {
        let body = RefusalFields.body(row, circumstances.requestID)
        let status = circumstances.status ?? row.status
        buffer.writeString("HTTP/1.1 \(status.code) \(status.reason)\r\n")
        let fields = RefusalFields(
            row, host: circumstances.host, allowedOrigin: circumstances.allowedOrigin,
            date: circumstances.date, id: circumstances.requestID,
            bodyBytes: body.utf8.count, code: circumstances.code)
        for field in fields.list {
            buffer.writeString(field.name)
            buffer.writeStaticString(": ")
            buffer.writeBytes(field.value)
            buffer.writeStaticString("\r\n")
        }
        writeConnection(row, circumstances, into: &buffer)
        buffer.writeString("\r\n")
        if !circumstances.isHead { buffer.writeString(body) }
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
