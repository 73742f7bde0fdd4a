import HTTPMessage

/// The pseudo-fields of one header block (RFC 9113 §8.3), as far as they came, and what they come to in a request's head.
struct PseudoFields {
    var method: HeadSlice?
    var scheme: Scheme?
    var target: HeadSlice?
    var authority: HeadSlice?
    var status: Int?
    /// Whether the target or the authority came as what no table may hold (RFC 7541 §6.2.3).
    var isTargetUnindexed = false

    enum Scheme {
        case http, https
    }

    /// Whether there are none.
    var isEmpty: Bool {
        method == nil && scheme == nil && target == nil && authority == nil && status == nil
    }

    /// `:path`, which names a resource or, with `*`, the server.
    func readTarget(
        _ bytes: UnsafeRawBufferPointer, into head: inout RequestHead
    ) throws(MessageFlaw) {
        guard scheme != nil, let range = target?.range, !range.isEmpty else { throw .badTarget }
        if bytes[range.lowerBound] == UInt8(ascii: "*") {
            guard range.count == 1, head.method == .options else { throw .badTarget }
            head.targetForm = .asterisk
            head.path = HeadSlice(range.upperBound, range.upperBound)
            head.query = head.path
            return
        }
        guard bytes[range.lowerBound] == UInt8(ascii: "/"), !bytes[range].contains(UInt8(ascii: "#")) else {
            throw .badTarget
        }
        let end = bytes[range].firstIndex(of: UInt8(ascii: "?")) ?? range.upperBound
        head.targetForm = .origin
        head.path = HeadSlice(range.lowerBound, end)
        head.query = HeadSlice(end, range.upperBound)
    }

    /// `:authority`, with which `Host` must agree where there are both (RFC 9113 §8.3.1).
    func readAuthority(
        _ host: HeadSlice?, _ bytes: UnsafeRawBufferPointer, into head: inout RequestHead
    ) throws(MessageFlaw) {
        guard let slice = authority ?? host else { throw .missingHost }
        guard let parsed = Authority(bytes, slice.range) else { throw .badHost }
        if authority != nil, let host {
            guard let other = Authority(bytes, host.range),
                parsed.names(other, bytes, defaultPort: scheme == .https ? 443 : 80)
            else { throw .hostMismatch }
        }
        head.authority = slice
        head.host = parsed.host
    }
}
