import JOSE

/// One claim that a row has written into a header (CONTRACT.md, `claim_headers`).
struct ClaimHeader: Sendable, Hashable {
    /// As the row writes it.
    let name: [UInt8]
    /// Lower case, every byte that is no letter or digit as `_`.
    let collapsedName: [UInt8]
    let claim: ClaimPath

    /// Reads the row's JSON object; throws the sentence that says what is wrong with it.
    static func all(_ text: String) throws(RowFlaw) -> [ClaimHeader] {
        if text == "{}" { return [] }
        guard let object = try? JSONObject(parsing: Array(text.utf8)) else {
            throw RowFlaw("claim_headers is no JSON object")
        }
        var headers: [ClaimHeader] = []
        for (name, value) in object.members {
            let shown = String(decoding: name, as: UTF8.self)
            guard isName(name) else {
                throw RowFlaw("claim_headers names '\(shown)', which it may not write")
            }
            guard let text = value.string, !text.isEmpty else {
                throw RowFlaw("claim_headers maps \(RowFlaw.shown(name)) to what is no claim")
            }
            guard let claim = ClaimPath(text) else {
                throw RowFlaw("claim_headers names \(RowFlaw.shown(text)), which is no JSON pointer")
            }
            headers.append(ClaimHeader(name: name, collapsedName: name.map(collapsed), claim: claim))
        }
        guard headers.count <= Limits.claimHeadersPerTenant,
            Set(headers.map(\.collapsedName)).count == headers.count
        else { throw RowFlaw("claim_headers maps too many claims, or two to one header") }
        return headers
    }

    /// The value as a header carries it; empty for an absent claim and for objects. An array's elements stand between
    /// commas, those that are no text, number or boolean left out.
    func value(in claims: CognitoClaims) -> [UInt8] {
        guard let value = claim.value(in: claims.members) else { return [] }
        guard let elements = value.array else { return ClaimHeader.rendered(value) }
        let texts = elements.map { ClaimHeader.rendered($0, separator: UInt8(ascii: ",")) }.filter {
            !$0.isEmpty
        }
        return Array(texts.joined(separator: [UInt8(ascii: ",")]))
    }

    private static func rendered(_ value: JSONValue, separator: UInt8? = nil) -> [UInt8] {
        if let text = value.string { return IdentityHeaders.encoded(text, also: separator) }
        if let flag = value.bool { return Array((flag ? "true" : "false").utf8) }
        return value.numberText ?? []
    }

    /// `X-` and letters, digits and hyphens, and none that the gateway writes or strips itself.
    private static func isName(_ name: [UInt8]) -> Bool {
        guard (3...64).contains(name.count), name.starts(with: "X-".utf8) || name.starts(with: "x-".utf8),
            name.allSatisfy({ ASCII.isLetterOrDigit($0) || $0 == ASCII.hyphen })
        else { return false }
        let text = String(decoding: name.map(collapsed), as: UTF8.self)
        return !ProtectedHeaders.names.contains(text)
            && !ProtectedHeaders.prefixes.contains { text.utf8.starts(with: $0.utf8) }
            && !ProtectedHeaders.overriding.contains(Array(text.utf8))
    }

    private static func collapsed(_ byte: UInt8) -> UInt8 {
        ASCII.isLetterOrDigit(byte) ? ASCII.lowered(byte) : ASCII.underscore
    }
}

/// Which headers the rows of each upstream map claims to: what a client sends under such a name must not reach the
/// service, whichever of its tenants the request is for.
struct MappedHeaders: Sendable {
    /// How many rows map something to a name.
    private var counts: [Origin: [[UInt8]: Int]] = [:]

    /// Whether an entry that comes can change anything here; where nothing is mapped, none that went could have been.
    func concerns(_ new: Directory.Entry?) -> Bool {
        guard counts.isEmpty, case .tenant(let tenant) = new else { return !counts.isEmpty }
        return !tenant.claimHeaders.isEmpty
    }

    mutating func replace(_ old: Directory.Entry?, with new: Directory.Entry?) {
        count(old, -1)
        count(new, 1)
    }

    private mutating func count(_ entry: Directory.Entry?, _ step: Int) {
        guard case .tenant(let tenant) = entry, !tenant.claimHeaders.isEmpty else { return }
        for upstream in tenant.upstreams {
            var names = counts[upstream.origin] ?? [:]
            for header in tenant.claimHeaders {
                let count = names[header.collapsedName, default: 0] + step
                names[header.collapsedName] = count > 0 ? count : nil
            }
            counts[upstream.origin] = names.isEmpty ? nil : names
        }
    }

    func names(for upstreams: [Upstream]) -> Set<[UInt8]> {
        guard !counts.isEmpty else { return [] }
        return upstreams.reduce(into: []) { $0.formUnion(counts[$1.origin].map { Array($0.keys) } ?? []) }
    }
}

/// Whose identity headers services read besides ours (CONTRACT.md, `header_profile`).
enum HeaderProfile: String, Sendable {
    case poolgate
    case oauth2Proxy = "oauth2-proxy"
    case alb
    case authelia
}
