import HTTPMessage
import NIOCore

/// Writes down the request that a question is about, as the head that it would have in HTTP/1.1.
enum RequestDescription {
    /// Where the words of its first line, and its host, lie in the question's head.
    struct Line {
        let method: Range<Int>
        let host: Range<Int>
        let target: Range<Int>
    }

    /// Writes the head that `line` begins: the fields of the question are the request's, but for those that frame the
    /// question itself, name its caller, or are among `left`, since they say what stands in the first line.
    ///
    /// Proxies leave `Upgrade` out of their questions, so that a WebSocket is known by its key too.
    static func write(
        _ line: Line, _ asking: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer,
        without left: QuestionNames?, _ names: QuestionNames, into buffer: inout ByteBuffer
    ) {
        let asksUpgrade = asksUpgrade(line, asking, bytes)
        buffer.clear()
        let room = asking.headLength + line.host.count + line.target.count + Limits.descriptionBytes
        buffer.writeHead(expected: room) { output in
            output.write(bytes, line.method)
            output.write(" ")
            output.write(bytes, line.target)
            output.write(" HTTP/1.1\r\nHost: ")
            output.write(bytes, line.host)
            output.write("\r\n")
            var kept = KeptLines()
            for field in asking.fields where isOfRequest(field.known) {
                if field.known == .other {
                    if names.isCaller(field, bytes) { continue }
                    if let left, left.family(of: field, bytes) != nil { continue }
                }
                kept.keep(field, bytes, into: &output)
            }
            kept.flush(bytes, into: &output)
            if asksUpgrade { output.write("Connection: Upgrade\r\nUpgrade: websocket\r\n") }
            output.write("\r\n")
        }
    }

    /// Whether a field of this kind says something of the request, and nothing of the question's own framing.
    static func isOfRequest(_ field: KnownField) -> Bool {
        switch field {
        case .host, .contentLength, .transferEncoding, .connection, .expect, .upgrade, .te, .trailer,
            .keepAlive,
            .proxyConnection:
            false
        case .other, .authorization, .proxyAuthenticate, .proxyAuthorization, .via, .cookie, .origin,
            .fetchSite,
            .requestedMethod, .referer, .wwwAuthenticate, .persistentAuth, .requestID, .traceparent,
            .tracestate,
            .forwardedFor, .forwardedProto, .forwardedPort, .webSocketKey, .webSocketVersion,
            .webSocketAccept:
            true
        }
    }

    /// Whether the request asks to become a WebSocket: a GET with a key, or one whose `Upgrade` is still there.
    private static func asksUpgrade(
        _ line: Line, _ asking: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        let method = UnsafeRawBufferPointer(rebasing: bytes[line.method])
        let isGet = ByteScanner.isExactly(method, "GET")
        return asking.fields.contains { field in
            if field.known == .webSocketKey { return isGet }
            return field.known == .upgrade
                && ByteScanner.equals(UnsafeRawBufferPointer(rebasing: bytes[field.value.range]), "websocket")
        }
    }
}
