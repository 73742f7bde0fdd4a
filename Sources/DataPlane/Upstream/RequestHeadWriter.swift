import Gatekeeper
import HTTP1
import NIOCore

/// Writes the head that goes upstream: the client's own fields without what is protected, the verified identity,
/// and framing made anew from what was parsed (RFC 9112 §6, RFC 9110 §7.6).
enum RequestHeadWriter {
    /// Writes `head`, which `bytes` begins with, as it was admitted; `upgrades` asks for WebSocket.
    static func write(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        way: ForwardedWay, upgrades: Bool, into buffer: inout ByteBuffer
    ) {
        let identityLines = admission.identity?.headerLines ?? []
        buffer.clear(minimumCapacity: head.headLength + identityLines.count + 512)
        buffer.writeBytes(bytes[head.methodName.range])
        buffer.writeStaticString(" ")
        if head.targetForm != .asterisk, let path = admission.path {
            buffer.writeBytes(path)
        } else {
            if head.path.isEmpty { buffer.writeStaticString(head.targetForm == .asterisk ? "*" : "/") }
            buffer.writeBytes(bytes[head.path.range])
        }
        // The tenant itself is not looked at unless it must be: loops share it, and with many there it lies far away.
        if admission.resolved.hasOtherSources, let parameter = admission.resolved.tenant.queryParameter {
            writeQuery(
                UnsafeRawBufferPointer(rebasing: bytes[head.query.range]), without: parameter, into: &buffer)
        } else {
            buffer.writeBytes(bytes[head.query.range])
        }
        buffer.writeStaticString(" HTTP/1.1\r\nHost: ")
        buffer.writeBytes(bytes[head.authority.range])
        buffer.writeStaticString("\r\n")
        writeFields(head, bytes, admission, into: &buffer)
        buffer.writeBytes(identityLines)
        buffer.writeStaticString("X-Forwarded-Host: ")
        buffer.writeBytes(bytes[head.authority.range])
        buffer.writeStaticString("\r\n")
        way.write(head, bytes, into: &buffer)
        switch head.framing {
        case .none, .untilClose: break
        case .length(let length): buffer.writeString("Content-Length: \(length)\r\n")
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        if head.expectsContinue { buffer.writeStaticString("Expect: 100-continue\r\n") }
        if upgrades { buffer.writeStaticString("Connection: Upgrade\r\nUpgrade: websocket\r\n") }
        buffer.writeStaticString("\r\n")
    }

    /// The client's own fields; neighbours that are kept are copied in one piece.
    private static func writeFields(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ admission: Admission,
        into buffer: inout ByteBuffer
    ) {
        let resolved = admission.resolved
        let stripped = admission.stripped
        let parameter = resolved.hasOtherSources ? resolved.tenant.queryParameter : nil
        let cookieName = resolved.hasOtherSources ? resolved.tenant.cookieName : nil
        let nominated = head.connectionNamesOthers ? ConnectionOptions(head.fields, bytes) : nil
        let protected = ProtectedNames.standard
        var kept = KeptLines()
        for (index, field) in head.fields.enumerated() {
            let isKept =
                switch field.known {
                case .authorization: resolved.forwardsToken
                case .via: true
                case .cookie:
                    cookieName == nil && !(nominated?.name(index) ?? false)
                case .other, .origin, .fetchSite, .requestedMethod, .trailer, .wwwAuthenticate,
                    .persistentAuth, .webSocketKey,
                    .webSocketVersion, .webSocketAccept:
                    !protected.contains(field, bytes) && !(nominated?.name(index) ?? false)
                        && !field.isStripped(by: stripped, bytes)
                case .referer:
                    !(nominated?.name(index) ?? false) && !holds(parameter, field, bytes)
                case .host, .contentLength, .transferEncoding, .connection, .expect, .upgrade, .te,
                    .keepAlive,
                    .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .forwardedFor, .forwardedProto,
                    .forwardedPort:
                    false
                }
            if isKept { kept.keep(field, bytes, into: &buffer) }
        }
        kept.flush(bytes, into: &buffer)
        if let name = cookieName { writeCookies(head, bytes, without: name, into: &buffer) }
    }

    /// Whether a field's address holds the parameter that may hold a token.
    private static func holds(
        _ parameter: [UInt8]?, _ field: HeadField, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard let parameter else { return false }
        return QueryParameters.holds(
            parameter, in: UnsafeRawBufferPointer(rebasing: bytes[field.value.range]))
    }

    /// The client's cookies, all in one line (RFC 6265 §5.4), but for the one that holds the token.
    private static func writeCookies(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, without name: [UInt8],
        into buffer: inout ByteBuffer
    ) {
        var list = KeptParts(first: "Cookie: ", further: "; ")
        for field in head.fields where field.known == .cookie {
            let value = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
            Cookies.each(in: value) { pair in
                if pair.isNamed(name) {
                    list.flush(value, into: &buffer)
                } else {
                    list.keep(pair.range)
                }
            }
            list.flush(value, into: &buffer)
        }
        if !list.isEmpty { buffer.writeStaticString("\r\n") }
    }

    /// The query but for the parameter that holds the token.
    private static func writeQuery(
        _ query: UnsafeRawBufferPointer, without name: [UInt8], into buffer: inout ByteBuffer
    ) {
        guard !query.isEmpty else { return }
        var list = KeptParts(first: "?", further: "&")
        QueryParameters.each(in: query) { parameter in
            if parameter.isNamed(name) {
                list.flush(query, into: &buffer)
            } else {
                list.keep(parameter.range)
            }
        }
        list.flush(query, into: &buffer)
    }
}
