import HTTPMessage
import NIOCore

/// Writes the head of an upstream's response for a client: its fields without those of one connection, and framing of
/// the gateway's own (RFC 9112 §6, RFC 9110 §7.6.1).
enum ResponseHeadWriter {
    /// How the client is to read the response.
    struct Delivery {
        /// As the client reads it: `.untilClose` only for HTTP/1.0.
        var framing: BodyFraming
        /// What the upstream's `Content-Length` said where no body follows: it belongs to the response to HEAD.
        var describedLength: UInt64?
        var closes: Bool
        /// HTTP/1.0 clients must hear that the connection stays open.
        var saysKeepAlive: Bool
    }

    /// Appends `head`, which `bytes` begins with.
    static func write(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, _ delivery: Delivery,
        id: RequestID, into buffer: inout ByteBuffer
    ) {
        buffer.writeHead(expected: head.headLength + Limits.responseFramingBytes) { output in
            writeStatusLine(head, bytes, into: &output)
            writeFields(head, bytes, into: &output)
            write(id, into: &output)
            switch delivery.framing {
            case .length(let length): writeLength(length, into: &output)
            case .chunked: output.write("Transfer-Encoding: chunked\r\n")
            case .none: if let length = delivery.describedLength { writeLength(length, into: &output) }
            case .untilClose: break
            }
            if delivery.closes {
                output.write("Connection: close\r\n")
            } else if delivery.saysKeepAlive {
                output.write("Connection: keep-alive\r\n")
            }
            output.write("\r\n")
        }
    }

    /// Appends an interim response, which has no framing (RFC 9110 §15.2).
    static func writeInterim(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        buffer.writeHead(expected: head.headLength) { output in
            writeStatusLine(head, bytes, into: &output)
            writeFields(head, bytes, into: &output)
            output.write("\r\n")
        }
    }

    /// Appends the response by which both sides change to WebSocket (RFC 6455 §4.2.2).
    static func writeSwitch(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, id: RequestID,
        into buffer: inout ByteBuffer
    ) {
        buffer.writeHead(expected: head.headLength + Limits.responseFramingBytes) { output in
            writeStatusLine(head, bytes, into: &output)
            writeFields(head, bytes, into: &output)
            write(id, into: &output)
            output.write("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        }
    }

    /// Writes the request's name, by which whoever got the response finds it in the log.
    private static func write(_ id: RequestID, into output: inout HeadCursor) {
        output.write("X-Request-Id: ")
        id.write(into: &output)
        output.write("\r\n")
    }

    private static func writeLength(_ length: UInt64, into output: inout HeadCursor) {
        output.write("Content-Length: ")
        output.write(decimal: length)
        output.write("\r\n")
    }

    private static func writeStatusLine(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into output: inout HeadCursor
    ) {
        output.write("HTTP/1.1 ")
        output.write(decimal: UInt64(head.status))
        output.write(" ")
        output.write(bytes, head.reason.range)
        output.write("\r\n")
    }

    /// The upstream's own fields; what it wrote loosely is written strictly.
    private static func writeFields(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into output: inout HeadCursor
    ) {
        let nominated = head.connectionNamesOthers ? ConnectionOptions(head.fields, bytes) : nil
        var kept = KeptLines()
        for (index, field) in head.fields.enumerated() {
            let isKept = isPassedOn(field.known) && !(nominated?.name(index) ?? false)
            if isKept { kept.keep(field, bytes, into: &output) }
        }
        kept.flush(bytes, into: &output)
    }

    /// Whether a field of this kind goes on to the client: what frames a message or belongs to one connection does not.
    static func isPassedOn(_ field: KnownField) -> Bool {
        switch field {
        case .other, .via, .trailer, .authorization, .expect, .host, .te, .forwardedFor, .forwardedProto,
            .forwardedPort, .webSocketKey, .webSocketVersion, .webSocketAccept, .cookie, .origin, .fetchSite,
            .requestedMethod, .wwwAuthenticate, .persistentAuth, .referer, .traceparent, .tracestate:
            true
        case .contentLength, .transferEncoding, .connection, .upgrade, .keepAlive, .proxyConnection,
            .proxyAuthenticate, .proxyAuthorization, .requestID:
            false
        }
    }
}
