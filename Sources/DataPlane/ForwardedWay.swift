import HTTP1
import NIOCore

/// What the gateway tells upstreams of a request's way: `X-Forwarded-For`, `-Proto`, `-Port` and `Via`.
///
/// From a trusted balancer what it said is extended or kept; from everybody else the lines are written anew. A class, so
/// that a request takes one reference to it and not one to each of its lines.
final class ForwardedWay {
    /// The peer's address: the client's, or that of the balancer before it.
    let address: SocketAddress?
    let isTrusted: Bool

    private let addressText: [UInt8]
    private let isTLS: Bool
    private let via: [UInt8]
    /// The lines of a request to the scheme's own port; the same for all of one connection.
    private let plainLines: [UInt8]

    init(address: SocketAddress?, isTLS: Bool, isTrusted: Bool, pseudonym: [UInt8]) {
        self.address = address
        self.isTLS = isTLS
        self.isTrusted = isTrusted
        addressText = Array((address?.ipAddress ?? "unknown").utf8)
        via = Array("Via: 1.1 ".utf8) + pseudonym + [13, 10]
        plainLines =
            Array("X-Forwarded-For: ".utf8) + addressText
            + Array("\r\nX-Forwarded-Proto: \(isTLS ? "https" : "http")\r\n".utf8)
            + Array("X-Forwarded-Port: \(isTLS ? 443 : 80)\r\n".utf8) + via
    }

    /// Writes the lines for a request with `head`, which `bytes` begins with.
    func write(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        guard head.authority.end != head.host.end || (isTrusted && head.saysWay) else {
            buffer.writeBytes(plainLines)
            return
        }
        let said = isTrusted ? head.fields : []
        buffer.writeStaticString("X-Forwarded-For: ")
        for field in said where field.known == .forwardedFor && !field.value.isEmpty {
            buffer.writeBytes(bytes[field.value.range])
            buffer.writeStaticString(", ")
        }
        buffer.writeBytes(addressText)
        buffer.writeStaticString("\r\nX-Forwarded-Proto: ")
        if let proto = ForwardedWay.only(.forwardedProto, said), ForwardedWay.isScheme(bytes[proto.range]) {
            buffer.writeBytes(bytes[proto.range])
        } else {
            buffer.writeString(isTLS ? "https" : "http")
        }
        buffer.writeStaticString("\r\nX-Forwarded-Port: ")
        if let port = ForwardedWay.only(.forwardedPort, said), ForwardedWay.isPort(bytes[port.range]) {
            buffer.writeBytes(bytes[port.range])
        } else if let port = ForwardedWay.port(head) {
            buffer.writeBytes(bytes[port])
        } else {
            buffer.writeString(isTLS ? "443" : "80")
        }
        buffer.writeStaticString("\r\n")
        buffer.writeBytes(via)
    }

    /// The port that the request's authority names, as a range of its bytes.
    private static func port(_ head: borrowing RequestHead) -> Range<Int>? {
        let start = Int(head.host.end) + 1
        return start < Int(head.authority.end) ? start..<Int(head.authority.end) : nil
    }

    /// The value of a field that stands there once.
    private static func only(_ known: KnownField, _ fields: [HeadField]) -> HeadSlice? {
        let found = fields.filter { $0.known == known }
        return found.count == 1 ? found[0].value : nil
    }

    private static func isScheme(_ value: UnsafeRawBufferPointer.SubSequence) -> Bool {
        value.elementsEqual("http".utf8) || value.elementsEqual("https".utf8)
    }

    private static func isPort(_ value: UnsafeRawBufferPointer.SubSequence) -> Bool {
        (1...5).contains(value.count) && value.allSatisfy { $0 &- 0x30 < 10 }
            && value.reduce(0) { $0 * 10 + Int($1 &- 0x30) } <= 65_535
    }

    /// The client that a trusted balancer names: the last address of `X-Forwarded-For` that is no trusted one itself;
    /// nil where there is none, or where what stands there is no address.
    func client(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, trusted: [AddressRange]
    ) -> SocketAddress? {
        guard isTrusted, head.saysWay else { return nil }
        let values = head.fields.filter { $0.known == .forwardedFor }.map { bytes[$0.value.range] }
        let elements = values.flatMap { $0.split(separator: 0x2C) }
        for element in elements.reversed() {
            let text = String(decoding: element.filter { $0 != 0x20 && $0 != 9 }, as: UTF8.self)
            guard let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
            if !trusted.contains(where: { $0.contains(address) }) { return address }
        }
        return nil
    }
}
