import HTTP1
import NIOCore

/// Writes the head of an upstream's answer for a client: its fields without those of one connection, and framing of
/// the gateway's own (RFC 9112 §6, RFC 9110 §7.6.1).
enum AnswerHeadWriter {
    /// How the client is to read the answer.
    struct Delivery {
        /// As the client reads it: `.untilClose` only for HTTP/1.0.
        var framing: BodyFraming
        /// What the upstream's `Content-Length` said where no body follows: it belongs to the answer to HEAD.
        var describedLength: UInt64?
        var closes: Bool
        /// HTTP/1.0 clients must hear that the connection stays open.
        var saysKeepAlive: Bool
    }

    /// Writes `head`, which `bytes` begins with.
    static func write(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, _ delivery: Delivery,
        into buffer: inout ByteBuffer
    ) {
        writeStatusLine(head, bytes, into: &buffer)
        writeFields(head, bytes, into: &buffer)
        switch delivery.framing {
        case .length(let length): writeLength(length, into: &buffer)
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .none:
            if let length = delivery.describedLength { writeLength(length, into: &buffer) }
        case .untilClose: break
        }
        if delivery.closes {
            buffer.writeStaticString("Connection: close\r\n")
        } else if delivery.saysKeepAlive {
            buffer.writeStaticString("Connection: keep-alive\r\n")
        }
        buffer.writeStaticString("\r\n")
    }

    /// Writes an interim answer, which has no framing (RFC 9110 §15.2).
    static func writeInterim(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        writeStatusLine(head, bytes, into: &buffer)
        writeFields(head, bytes, into: &buffer)
        buffer.writeStaticString("\r\n")
    }

    /// Writes the answer by which both sides change to WebSocket (RFC 6455 §4.2.2).
    static func writeSwitch(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        writeStatusLine(head, bytes, into: &buffer)
        writeFields(head, bytes, into: &buffer)
        buffer.writeStaticString("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    }

    private static func writeLength(_ length: UInt64, into buffer: inout ByteBuffer) {
        buffer.writeStaticString("Content-Length: ")
        buffer.writeString(String(length))
        buffer.writeStaticString("\r\n")
    }

    private static func writeStatusLine(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeBytes(bytes[9..<12])
        buffer.writeStaticString(" ")
        buffer.writeBytes(bytes[head.reason.range])
        buffer.writeStaticString("\r\n")
    }

    /// The upstream's own fields; what it wrote loosely is written strictly.
    private static func writeFields(
        _ head: borrowing ResponseHead, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        let nominated = head.connectionNamesOthers ? ConnectionOptions(head.fields, bytes) : nil
        var kept = KeptLines()
        for (index, field) in head.fields.enumerated() {
            let isKept =
                switch field.known {
                case .other, .via, .trailer, .authorization, .expect, .host, .te, .forwardedFor,
                    .forwardedProto,
                    .forwardedPort, .webSocketKey, .webSocketVersion, .webSocketAccept, .cookie, .origin,
                    .fetchSite,
                    .requestedMethod, .wwwAuthenticate, .persistentAuth, .referer:
                    !(nominated?.name(index) ?? false)
                case .contentLength, .transferEncoding, .connection, .upgrade, .keepAlive, .proxyConnection,
                    .proxyAuthenticate, .proxyAuthorization:
                    false
                }
            if isKept { kept.keep(field, bytes, into: &buffer) }
        }
        kept.flush(bytes, into: &buffer)
    }
}
