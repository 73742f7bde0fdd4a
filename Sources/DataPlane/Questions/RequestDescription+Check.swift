import ExternalAuthorization
import HTTPMessage
import NIOCore

/// Writes down the request that Envoy asks about by gRPC.
extension RequestDescription {
    /// Writes the head of the request in `check`, whose slices are of `bytes`: how many lines of fields it has. A line end in
    /// one of its words makes them more when they are read again.
    static func write(
        _ check: CheckRequest, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) -> Int {
        var lines = CheckLines(check, bytes)
        buffer.clear()
        buffer.writeHead(expected: bytes.count + Limits.descriptionBytes) { output in
            output.write(bytes, check.method.range)
            output.write(" ")
            output.write(bytes, check.path.range)
            output.write(" HTTP/1.1\r\nHost: ")
            output.write(bytes, check.host.range)
            output.write("\r\n")
            lines.write(into: &output)
            output.write("\r\n")
        }
        return lines.count
    }
}

/// The lines of the request's fields.
private struct CheckLines {
    private let check: CheckRequest
    private let bytes: UnsafeRawBufferPointer
    private var asksUpgrade = false
    private var saysScheme = false
    /// How many were written, `Host` among them.
    private(set) var count = 1

    init(_ check: CheckRequest, _ bytes: UnsafeRawBufferPointer) {
        self.check = check
        self.bytes = bytes
    }

    mutating func write(into output: inout HeadCursor) {
        for field in check.fields { write(field, into: &output) }
        if asksUpgrade {
            output.write("Connection: Upgrade\r\nUpgrade: websocket\r\n")
            count += 2
        }
        // Envoy says how the client came in a field; where that was removed, it still says so here.
        if !saysScheme, !check.scheme.isEmpty {
            output.write("X-Forwarded-Proto: ")
            output.write(bytes, check.scheme.range)
            output.write("\r\n")
            count += 1
        }
    }

    private mutating func write(_ field: CheckRequest.Field, into output: inout HeadCursor) {
        let name = slice(field.name)
        // What HTTP/2 has in fields of this kind, the message has in places of their own.
        if name.first == ASCII.colon { return }
        // One that is no token would be read as something else; counted and not written, it is the flaw that it is.
        guard !name.isEmpty, ByteScanner.endOfToken(name, from: 0, to: name.count) == name.count else {
            count += 1
            return
        }
        let known = KnownField(name: name)
        if known == .webSocketKey, ByteScanner.isExactly(slice(check.method), "GET") { asksUpgrade = true }
        if known == .upgrade, ByteScanner.equals(slice(field.value), "websocket") { asksUpgrade = true }
        if known == .forwardedProto { saysScheme = true }
        guard RequestDescription.isOfRequest(known) else { return }
        let value = field.value.range
        if known == .authorization, !check.isRaw, let comma = secondCredential(in: field.value) {
            write(field.name, value.lowerBound..<comma, into: &output)
            write(field.name, (comma + 1)..<value.upperBound, into: &output)
        } else {
            write(field.name, value, into: &output)
        }
    }

    private mutating func write(_ name: HeadSlice, _ value: Range<Int>, into output: inout HeadCursor) {
        output.write(bytes, name.range)
        output.write(": ")
        output.write(bytes, value)
        output.write("\r\n")
        count += 1
    }

    /// Where the comma stands by which a second credential was joined to the first: neither a bearer token nor the name and
    /// password of `Basic` hold one (RFC 6750 §2.1, RFC 7617 §2).
    private func secondCredential(in value: HeadSlice) -> Int? {
        let text = slice(value)
        guard ByteScanner.begins(text, with: "bearer") || ByteScanner.begins(text, with: "basic") else {
            return nil
        }
        return bytes[value.range].firstIndex(of: UInt8(ascii: ","))
    }

    private func slice(_ part: HeadSlice) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[part.range])
    }
}
