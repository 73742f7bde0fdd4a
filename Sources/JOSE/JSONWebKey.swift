/// One key of a set, as RFC 7517 §4 and RFC 7518 §6.3 describe it.
enum JSONWebKey {
    struct Flaw: Error {
        let skipped: SkippedKey
    }

    /// Makes a key to verify RS256 with, or says why it is none.
    static func parse(_ value: JSONValue) -> Result<VerificationKey, Flaw> {
        guard let object = value.object else { return .failure(flaw(nil, "it is no object")) }
        let keyID = object["kid"]?.string.flatMap { KeyID($0) }
        guard let keyID else { return .failure(flaw(nil, "it has no usable kid")) }
        if let reason = purposeFlaw(object) { return .failure(flaw(keyID, reason)) }
        guard let modulus = number(object["n"]), let exponent = number(object["e"]) else {
            return .failure(flaw(keyID, "n or e is no base64url number"))
        }
        if let reason = numberFlaw(modulus, exponent) { return .failure(flaw(keyID, reason)) }
        guard let key = VerificationKey(keyID: keyID, modulus: modulus, exponent: exponent) else {
            return .failure(flaw(keyID, "OpenSSL refuses it"))
        }
        return .success(key)
    }

    private static func flaw(_ keyID: KeyID?, _ reason: String) -> Flaw {
        Flaw(skipped: SkippedKey(keyID: keyID?.description, reason: reason))
    }

    private static func purposeFlaw(_ object: JSONObject) -> String? {
        func isText(_ name: String, _ word: String) -> Bool { object[name]?.string == Array(word.utf8) }
        if !isText("kty", "RSA") { return "its kty is not RSA" }
        if object["use"] != nil, !isText("use", "sig") { return "its use is not sig" }
        if object["alg"] != nil, !isText("alg", "RS256") { return "its alg is not RS256" }
        if let operations = object["key_ops"] {
            guard let array = operations.array, array.contains(where: { $0.string == Array("verify".utf8) })
            else {
                return "its key_ops do not hold verify"
            }
        }
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] where object[name] != nil {
            return "it holds a private part"
        }
        return nil
    }

    /// A positive number, without the zero bytes that some write before it (RFC 7518 §2, Base64urlUInt, has none).
    private static func number(_ value: JSONValue?) -> [UInt8]? {
        guard let text = value?.string, let bytes = Base64URL.decode(text) else { return nil }
        let digits = bytes.drop { $0 == 0 }
        return digits.isEmpty ? nil : Array(digits)
    }

    private static func numberFlaw(_ modulus: [UInt8], _ exponent: [UInt8]) -> String? {
        let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
        guard Limits.modulusBits.contains(bits) else { return "its modulus has \(bits) bits" }
        guard modulus.last.map({ $0 & 1 == 1 }) == true else { return "its modulus is even" }
        guard exponent.count <= 4, exponent.last.map({ $0 & 1 == 1 }) == true, exponent != [1] else {
            return "its exponent is not an odd number from 3 to 2^32 - 1"
        }
        return nil
    }
}
