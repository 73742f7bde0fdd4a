package import Gatekeeper
package import HTTP1

/// A request that somebody describes in words, read by what reads requests: what HTTP refuses, this refuses.
package struct AskedMessage {
    /// The name in `Host`, without its port; what was asked for, where HTTP refuses it.
    package let host: String
    /// How HTTP refuses it.
    package let refusal: Refusal?

    /// A request for `path`, with or without a query, of `host`, with or without a port.
    package init(host: String, method: String, path: String, limits: HeadLimits) {
        let bytes = Array("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
        var parser = RequestHeadParser(limits: limits)
        let progress = bytes.withUnsafeBytes { parser.parse($0) }
        switch progress {
        case .complete where parser.head.headLength == bytes.count && parser.head.fields.count == 1:
            self.host = String(decoding: bytes[parser.head.host.range], as: UTF8.self)
            refusal = nil
        case .flaw(let flaw):
            self.host = host
            refusal = Refusal(flaw)
        // A line end in one of the words.
        case .complete, .needMore:
            self.host = host
            refusal = .badRequest("bad_request")
        }
    }
}
