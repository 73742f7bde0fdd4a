package import Gatekeeper
import HTTP1
package import HTTPMessage

/// A request that somebody describes in words, read by what reads requests from connections: what the gateway refuses of
/// a message, this refuses, and of the rest the judge gets the same facts.
package struct DescribedRequest {
    /// The name in `Host`, without its port; what was asked for, where HTTP refuses it.
    package let host: String
    /// How the message is refused before anybody's row is looked at; nil where the judge is asked.
    package let refusal: Refusal?

    private let bytes: [UInt8]
    private let head: RequestHead

    /// A request for `path`, with or without a query, of `host`, with or without a port.
    ///
    /// `fields` are lines of the head without their ends, such as `Origin: https://a.example`. `maxBodyBytes` is the
    /// gateway's bound for a body; nil is none.
    package init(
        host: String, method: String, path: String, fields: [[UInt8]] = [], limits: HeadLimits,
        maxBodyBytes: UInt64? = nil
    ) {
        var bytes = Array("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n".utf8)
        for field in fields { bytes += field + [0x0D, 0x0A] }
        bytes += [0x0D, 0x0A]
        var parser = RequestHeadParser(limits: limits)
        let progress = bytes.withUnsafeBytes { parser.parse($0) }
        self.bytes = bytes
        self.head = parser.head
        switch progress {
        case .complete
        where parser.head.headLength == bytes.count && parser.head.fields.count == fields.count + 1:
            self.host = String(decoding: bytes[parser.head.host.range], as: UTF8.self)
            refusal = MessageChecks.refusal(of: parser.head, maxBodyBytes: maxBodyBytes)
        case .flaw(let flaw):
            self.host = host
            refusal = .message(flaw)
        // A line end in one of the words.
        case .complete, .needMore:
            self.host = host
            refusal = .message(.badStartLine)
        }
    }

    /// Calls `body` with the facts that the judge decides by; they are valid for the call.
    package func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value {
        bytes.withUnsafeBytes { body(RequestFacts(head, $0)) }
    }

    /// How the gateway refuses an admitted request whose body its tenant's row does not allow; nil where it does.
    package func bodyRefusal(by tenant: Tenant) -> Refusal? {
        guard let limit = tenant.maxBodyBytes, case .length(let length) = head.framing, length > limit else {
            return nil
        }
        return .request(.bodyTooLarge)
    }
}
