import HTTPMessage
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

    init(address: SocketAddress?, isTLS: Bool, isTrusted: Bool, pseudonym: [UInt8], isHTTP2: Bool = false) {
        self.address = address
        self.isTLS = isTLS
        self.isTrusted = isTrusted
        addressText = Array((address?.ipAddress ?? "unknown").utf8)
        via = Array((isHTTP2 ? "Via: 2.0 " : "Via: 1.1 ").utf8) + pseudonym + [13, 10]
        plainLines =
            Array("X-Forwarded-For: ".utf8) + addressText
            + Array("\r\nX-Forwarded-Proto: \(isTLS ? "https" : "http")\r\n".utf8)
            + Array("X-Forwarded-Port: \(isTLS ? 443 : 80)\r\n".utf8) + via
    }

    /// The same way by HTTP/2.
    func ofHTTP2(pseudonym: [UInt8]) -> ForwardedWay {
        ForwardedWay(
            address: address, isTLS: isTLS, isTrusted: isTrusted, pseudonym: pseudonym, isHTTP2: true)
    }

    /// Writes the lines for a request with `head`, which `bytes` begins with.
    func write(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, into output: inout HeadCursor
    ) {
        guard head.authority.end != head.host.end || (isTrusted && head.saysWay) else {
            output.write(plainLines)
            return
        }
        let said = isTrusted ? head.fields : []
        output.write("X-Forwarded-For: ")
        for field in said where field.known == .forwardedFor && !field.value.isEmpty {
            output.write(bytes, field.value.range)
            output.write(", ")
        }
        output.write(addressText)
        let isSecure = ForwardedWay.isSecure(said, bytes) ?? isTLS
        output.write(isSecure ? "\r\nX-Forwarded-Proto: https" : "\r\nX-Forwarded-Proto: http")
        output.write("\r\nX-Forwarded-Port: ")
        if let port = ForwardedWay.saidPort(said, bytes) ?? ForwardedWay.port(head) {
            output.write(bytes, port)
        } else {
            output.write(isSecure ? "443" : "80")
        }
        output.write("\r\n")
        output.write(via)
    }

    /// The port that the request's authority names, as a range of its bytes.
    private static func port(_ head: borrowing RequestHead) -> Range<Int>? {
        let start = Int(head.host.end) + 1
        return start < Int(head.authority.end) ? start..<Int(head.authority.end) : nil
    }

    /// Whether the client spoke to the first balancer by TLS; nil where none says so in a word that is known. A
    /// WebSocket's schemes are those of its handshake (RFC 6455 §3).
    private static func isSecure(_ said: [HeadField], _ bytes: UnsafeRawBufferPointer) -> Bool? {
        guard let range = firstMember(of: .forwardedProto, said, bytes) else { return nil }
        let scheme = UnsafeRawBufferPointer(rebasing: bytes[range])
        if ByteScanner.equals(scheme, "https") || ByteScanner.equals(scheme, "wss") { return true }
        return ByteScanner.equals(scheme, "http") || ByteScanner.equals(scheme, "ws") ? false : nil
    }

    /// The port by which the client spoke to the first balancer, as a range of its bytes.
    private static func saidPort(_ said: [HeadField], _ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let range = firstMember(of: .forwardedPort, said, bytes), isPort(bytes[range]) else {
            return nil
        }
        return range
    }

    /// The first member of a field that may be a list, and may stand there several times (RFC 9110 §5.6.1): that is
    /// what the balancer next to the client said. Empty members are none.
    private static func firstMember(
        of known: KnownField, _ fields: [HeadField], _ bytes: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        for field in fields where field.known == known {
            var start = Int(field.value.start)
            let last = Int(field.value.end)
            while start < last {
                var end = start
                while end < last, bytes[end] != UInt8(ascii: ",") { end &+= 1 }
                let member = ForwardedAddress.trimmed(bytes, start..<end)
                if !member.isEmpty { return member }
                start = end &+ 1
            }
        }
        return nil
    }

    private static func isPort(_ value: UnsafeRawBufferPointer.SubSequence) -> Bool {
        (1...5).contains(value.count) && value.allSatisfy(ASCII.isDigit)
            && (1...65_535).contains(value.reduce(0) { $0 * 10 + Int($1 &- 0x30) })
    }

    // MARK: The client behind a balancer

    /// The client that a trusted balancer names: the last address of `X-Forwarded-For` that is no trusted one itself.
    /// Where the list ends before one, or holds what cannot be read, it is the last hop that could be: no spelling
    /// makes a request nobody's. Nil without a list.
    func client(
        _ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, trusted: [AddressRange]
    ) -> SocketAddress? {
        guard isTrusted, head.saysWay else { return nil }
        var client: SocketAddress?
        var hops = 0
        for field in head.fields.reversed() where field.known == .forwardedFor {
            var end = Int(field.value.end)
            while end > Int(field.value.start) {
                var start = end
                while start > Int(field.value.start), bytes[start &- 1] != UInt8(ascii: ",") { start &-= 1 }
                let member = ForwardedAddress.trimmed(bytes, start..<end)
                end = start &- 1
                if member.isEmpty { continue }
                guard hops < Limits.forwardedHops, let address = ForwardedAddress.read(bytes, member) else {
                    return client ?? self.address
                }
                if !trusted.contains(where: { $0.contains(address) }) { return address }
                client = address
                hops += 1
            }
        }
        return client
    }
}
