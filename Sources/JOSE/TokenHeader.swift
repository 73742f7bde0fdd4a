/// What is read of a token's header (JOSE header, RFC 7515 §4), and the rules that it must keep.
///
/// `jwk`, `jku`, `x5u` and `x5c` are never looked at: keys come from the tenant's own set alone (RFC 8725 §3.10).
struct TokenHeader {
    let keyID: KeyID

    /// Checks the header's members; the algorithm first, because that is what an attack changes.
    init(_ header: JSONObject) throws(TokenFlaw) {
        guard let algorithm = header["alg"], algorithm.isString("RS256") else {
            let name = header["alg"]?.string.map { String(escaping: $0, maximumBytes: Limits.echoedBytes) }
            throw .unsupportedAlgorithm(name)
        }
        // RFC 7515 §4.1.11: whoever understands none of the extensions refuses, and a crit that lists none is invalid.
        if header["crit"] != nil { throw .criticalExtension }
        // RFC 7797 §3: with b64 the signature covers other bytes.
        if header["b64"] != nil { throw .unencodedPayload }
        if header["zip"] != nil { throw .compressed }
        // RFC 7519 §5.2: for nested tokens alone.
        if header["cty"] != nil { throw .nested }
        if let type = header["typ"], !TokenHeader.isAccepted(type: type) { throw .unsupportedType }
        guard let kid = header["kid"] else { throw .missingKeyID }
        guard let bytes = kid.string, let keyID = KeyID(bytes) else { throw .unusableKeyID }
        self.keyID = keyID
    }

    /// RFC 7515 §4.1.9, RFC 8725 §3.11, RFC 9068 §2.1: a media type whose `application/` may be left out.
    private static func isAccepted(type: JSONValue) -> Bool {
        guard let name = type.string, name.count <= Limits.echoedBytes else { return false }
        // JOSE imports no module of the gateway, so it folds letter case here, in the only place where it must.
        var lowered = name.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }[...]
        let prefix = Array("application/".utf8)
        if lowered.starts(with: prefix) { lowered = lowered.dropFirst(prefix.count) }
        return lowered.elementsEqual("jwt".utf8) || lowered.elementsEqual("at+jwt".utf8)
    }
}
