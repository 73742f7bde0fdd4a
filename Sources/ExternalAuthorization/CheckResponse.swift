import HTTPMessage

/// Writes the verdict as the message `envoy.service.auth.v3.CheckResponse`, with gRPC's prefix in front, so that it can be
/// sent as it is.
///
/// How long the verdict is becomes known only once it is written; so room for that is left in front, and what else there is
/// to say stands behind it: the order of a message's fields is free. One writer serves one response after the other, and
/// keeps its room.
package struct CheckResponse: Sendable {
    private var message = WireWriter()

    /// A response without a verdict.
    package init() {}

    /// What is written in front once its length is known, at most: the prefix, a tag and a length of 32 bits.
    private static let frontBytes = Limits.prefixBytes + 1 + 5

    // MARK: The request goes on

    /// Begins a verdict by which the request goes on.
    package mutating func beginOK() {
        message.begin(front: CheckResponse.frontBytes)
    }

    /// Sets a field of the request, in the place of all that have its name.
    package mutating func set(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        writeField(name, value)
    }

    /// Sets the fields of these lines, each of which is a name, a colon, a space, a value and CRLF, as the gateway writes
    /// them itself.
    package mutating func set(lines: UnsafeRawBufferPointer) {
        var start = 0
        while start < lines.count,
            let colon = lines[start...].firstIndex(of: ASCII.colon),
            let end = lines[colon...].firstIndex(of: 13), colon + 2 <= end
        {
            writeField(
                UnsafeRawBufferPointer(rebasing: lines[start..<colon]),
                UnsafeRawBufferPointer(rebasing: lines[(colon + 2)..<end]))
            start = end + 2
        }
    }

    /// Removes every field of this name from the request; one that is set must not be among them, since Envoy removes last.
    package mutating func remove(_ name: UnsafeRawBufferPointer) {
        message.write(5, name)
    }

    /// Removes every query parameter of this name from the request's path.
    package mutating func removeParameter(_ name: UnsafeRawBufferPointer) {
        message.write(8, name)
    }

    /// Ends a verdict by which the request goes on. `body` is lent the whole message.
    package mutating func endOK<Value>(
        _ metadata: VerdictMetadata, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        let end = message.bytes.count
        metadata.write(to: &message)
        // An empty status is OK.
        message.begin(1, bytes: 0)
        return lend(verdict: 3, to: end, body)
    }

    // MARK: The request is refused

    /// Begins a verdict by which the client gets a response of this status.
    package mutating func beginDenied(status: Int) {
        message.begin(front: CheckResponse.frontBytes)
        let code = UInt64(clamping: status)
        message.begin(1, bytes: 1 + WireWriter.size(varint: code))
        message.write(1, code)
    }

    /// Adds a field to the client's response.
    package mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        writeField(name, value)
    }

    /// Ends a verdict by which the client gets a response with this text for its body. `code` and `reason` are gRPC's status
    /// of the refusal, which is not OK; the reason is for whoever asks, not for the client. `body` is lent the whole message.
    package mutating func endDenied<Value>(
        text: [UInt8], code: Int, reason: [UInt8], _ metadata: VerdictMetadata,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        message.write(3, text)
        let end = message.bytes.count
        metadata.write(to: &message)
        let code = UInt64(clamping: code)
        message.begin(
            1, bytes: 1 + WireWriter.size(varint: code) + WireWriter.size(2, bytes: reason.count))
        message.write(1, code)
        message.write(2, reason)
        return lend(verdict: 2, to: end, body)
    }

    // MARK: Parts

    /// `HeaderValueOption`, which stands as field 2 in either verdict: the field, and that it takes the place of others.
    private mutating func writeField(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        // A text of Protocol Buffers is UTF-8, which a cookie need not be.
        let isText = value.allSatisfy { $0 < 0x80 } || String(validating: value, as: UTF8.self) != nil
        let number = isText ? 2 : 3
        let header = WireWriter.size(1, bytes: name.count) + WireWriter.size(number, bytes: value.count)
        message.begin(2, bytes: WireWriter.size(1, bytes: header) + 2)
        message.begin(1, bytes: header)
        message.write(1, name)
        message.write(number, value)
        // OVERWRITE_IF_EXISTS_OR_ADD
        message.write(3, UInt64(2))
    }

    /// Writes the front: the prefix, and what says that the verdict's bytes, up to `end`, are this field.
    private mutating func lend<Value>(
        verdict: Int, to end: Int, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        let front = CheckResponse.frontBytes
        var field = WireWriter()
        field.begin(verdict, bytes: end - front)
        let length = field.bytes.count + message.bytes.count - front
        let start = message.fill(front: front, UnaryMessage.prefix(length) + field.bytes)
        return message.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}
