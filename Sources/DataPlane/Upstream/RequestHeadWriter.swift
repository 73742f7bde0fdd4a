import Gatekeeper
import HTTPMessage
import NIOCore

/// Writes the head that goes upstream: the client's own fields without what is protected, the verified identity,
/// and framing made anew from what was parsed (RFC 9112 §6, RFC 9110 §7.6).
enum RequestHeadWriter {
    /// Writes `head`, which `bytes` begins with, as it was admitted; `upgrades` asks for WebSocket. An `assertion` stands
    /// last, so that another can be put in its place.
    static func write(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        way: ForwardedWay, id: RequestID, trace: TraceLines, upgrades: Bool,
        assertion: Assertion? = nil, into buffer: inout ByteBuffer
    ) {
        // Its own lines, the identity, and what the gateway says of the way: the authority twice more, four lines.
        let expected =
            head.headLength + (admission.identity?.headerLines.count ?? 0) + 3 * head.authority.count
            + (assertion?.line.count ?? 0) + Limits.forwardedLinesBytes
        buffer.clear()
        buffer.writeHead(expected: expected) { output in
            writeLine(head, bytes, admission, into: &output)
            output.write("Host: ")
            output.write(bytes, head.authority.range)
            output.write("\r\n")
            writeFields(head, bytes, admission, trace, into: &output)
            if let identity = admission.identity { output.write(identity.headerLines) }
            output.write("X-Forwarded-Host: ")
            output.write(bytes, head.authority.range)
            output.write("\r\n")
            way.write(head, bytes, into: &output)
            output.write("X-Request-Id: ")
            id.write(into: &output)
            output.write("\r\n")
            if case .parent(let parent, _) = trace { parent.write(into: &output) }
            switch head.framing {
            case .none, .untilClose: break
            case .length(let length):
                output.write("Content-Length: ")
                output.write(decimal: length)
                output.write("\r\n")
            case .chunked: output.write("Transfer-Encoding: chunked\r\n")
            }
            if head.expectsContinue { output.write("Expect: 100-continue\r\n") }
            if upgrades { output.write("Connection: Upgrade\r\nUpgrade: websocket\r\n") }
            if let assertion { output.write(assertion.line) }
            output.write("\r\n")
        }
    }

    /// Puts another assertion, or none, in the place of the one that the head in `buffer` was written with.
    static func replace(_ before: Assertion, by assertion: Assertion?, in buffer: inout ByteBuffer) {
        buffer.moveWriterIndex(to: buffer.writerIndex - before.lineBytes - 2)
        if let assertion { buffer.writeBytes(assertion.line) }
        buffer.writeStaticString("\r\n")
    }

    /// The request line, with the path by which the request was judged and without a parameter that holds the token.
    private static func writeLine(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        into output: inout HeadCursor
    ) {
        output.write(bytes, head.methodName.range)
        output.write(" ")
        if head.targetForm != .asterisk, let path = admission.path {
            output.write(path)
        } else {
            if head.path.isEmpty { output.write(head.targetForm == .asterisk ? "*" : "/") }
            output.write(bytes, head.path.range)
        }
        // The tenant itself is not looked at unless it must be: loops share it, and with many there it lies far away.
        if admission.resolved.hasOtherSources, let parameter = admission.resolved.tenant.queryParameter {
            writeQuery(
                UnsafeRawBufferPointer(rebasing: bytes[head.query.range]), without: parameter, into: &output)
        } else {
            output.write(bytes, head.query.range)
        }
        output.write(" HTTP/1.1\r\n")
    }

    /// The client's own fields; neighbours that are kept are copied in one piece.
    private static func writeFields(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        _ trace: TraceLines, into output: inout HeadCursor
    ) {
        let sieve = FieldSieve(head, bytes, admission, trace)
        var kept = KeptLines()
        for (index, field) in head.fields.enumerated()
        where sieve.fate(of: field, at: index, bytes) == .kept {
            kept.keep(field, bytes, into: &output)
        }
        kept.flush(bytes, into: &output)
        let resolved = admission.resolved
        if resolved.hasOtherSources, let name = resolved.tenant.cookieName {
            writeCookies(head, bytes, without: name, into: &output)
        }
    }

    /// The client's cookies, all in one line (RFC 6265 §5.4), but for the one that holds the token.
    private static func writeCookies(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, without name: [UInt8],
        into output: inout HeadCursor
    ) {
        var list = KeptParts(first: "Cookie: ", further: "; ")
        for field in head.fields where field.known == .cookie {
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
            Cookies.each(in: value) { pair in
                if pair.isNamed(name) {
                    list.flush(value, into: &output)
                } else {
                    list.keep(pair.range)
                }
            }
            list.flush(value, into: &output)
        }
        if !list.isEmpty { output.write("\r\n") }
    }

    /// The query but for the parameter that holds the token.
    private static func writeQuery(
        _ query: UnsafeRawBufferPointer, without name: [UInt8], into output: inout HeadCursor
    ) {
        guard !query.isEmpty else { return }
        var list = KeptParts(first: "?", further: "&")
        QueryParameters.each(in: query) { parameter in
            if parameter.isNamed(name) {
                list.flush(query, into: &output)
            } else {
                list.keep(parameter.range)
            }
        }
        list.flush(query, into: &output)
    }
}
