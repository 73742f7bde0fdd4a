import HTTPMessage
import JOSE

/// One claim that a row has written into a header (`claim_headers`, sql/README.md).
struct ClaimHeader: Sendable, Hashable {
    /// The header's name as the row writes it.
    let name: [UInt8]
    /// Lower case, every byte that is no letter or digit as `_`.
    let collapsedName: [UInt8]
    /// The claim that it shows.
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
            headers.append(ClaimHeader(name: name, collapsedName: name.map(CollapsedName.fold), claim: claim))
        }
        guard headers.count <= Limits.claimHeadersPerTenant,
            Set(headers.map(\.collapsedName)).count == headers.count
        else { throw RowFlaw("claim_headers maps too many claims, or two to one header") }
        return headers
    }

    /// Whether a row may write the header: `X-` and letters, digits and hyphens, and none that the gateway itself writes
    /// or strips.
    private static func isName(_ name: [UInt8]) -> Bool {
        guard (3...64).contains(name.count), name.starts(with: "X-".utf8) || name.starts(with: "x-".utf8),
            name.allSatisfy({ ASCII.isLetterOrDigit($0) || $0 == ASCII.hyphen })
        else { return false }
        let text = String(decoding: name.map(CollapsedName.fold), as: UTF8.self)
        return !ProtectedHeaders.names.contains(text)
            && !ProtectedHeaders.prefixes.contains { text.utf8.starts(with: $0.utf8) }
            && !ProtectedHeaders.overriding.contains(Array(text.utf8))
    }
}
