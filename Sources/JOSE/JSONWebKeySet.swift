/// The keys that a pool signs with (RFC 7517 §5): only RSA keys for RS256, at least one.
package struct JSONWebKeySet: Sendable {
    /// In the order of the set, each `kid` once.
    package let keys: [VerificationKey]
    /// What the set holds besides, and why it is left out.
    package let skipped: [SkippedKey]

    /// Parses the body of a key endpoint's response, of at most `Limits.keySetBytes`. Keys that are not RSA keys for
    /// RS256 are skipped; throws where the JSON is flawed or no key is left.
    package init(parsing bytes: [UInt8]) throws(KeySetFlaw) {
        guard bytes.count <= Limits.keySetBytes else { throw .tooLarge }
        let root: JSONObject
        do {
            root = try JSONObject(parsing: bytes)
        } catch {
            throw .badJSON(error)
        }
        guard let members = root["keys"]?.array else { throw .noKeys }
        var keys: [VerificationKey] = []
        var skipped: [SkippedKey] = []
        var ambiguous: Set<KeyID> = []
        for member in members.prefix(Limits.keysPerSet) {
            switch JSONWebKey.parse(member) {
            case .failure(let flaw): skipped.append(flaw.skipped)
            case .success(let key):
                if let same = keys.first(where: { $0.keyID == key.keyID }) {
                    if !same.isSameKey(as: key) { ambiguous.insert(key.keyID) }
                } else {
                    keys.append(key)
                }
            }
        }
        if members.count > Limits.keysPerSet {
            skipped.append(
                SkippedKey(keyID: nil, reason: "the set holds more than \(Limits.keysPerSet) keys"))
        }
        for keyID in ambiguous {
            skipped.append(SkippedKey(keyID: keyID.description, reason: "two different keys have this kid"))
        }
        keys.removeAll { ambiguous.contains($0.keyID) }
        guard !keys.isEmpty else { throw .noUsableKey(skipped.first?.reason ?? "it is empty") }
        self.keys = keys
        self.skipped = skipped
    }

    private init(keys: [VerificationKey], skipped: [SkippedKey]) {
        self.keys = keys
        self.skipped = skipped
    }

    /// The key of exactly this name.
    package subscript(keyID: KeyID) -> VerificationKey? {
        keys.first { $0.keyID == keyID }
    }

    /// The same set, with the previous one's objects where the keys are equal, so that what they built stays in use.
    package func adopting(previous: JSONWebKeySet) -> JSONWebKeySet {
        let adopted = keys.map { key in previous.keys.first { $0.isSameKey(as: key) } ?? key }
        return JSONWebKeySet(keys: adopted, skipped: skipped)
    }

    /// The same set without the keys for which `isGone` is true; it may be empty then.
    package func removing(_ isGone: (KeyID) -> Bool) -> JSONWebKeySet {
        JSONWebKeySet(keys: keys.filter { !isGone($0.keyID) }, skipped: skipped)
    }

    /// The same set with `others` behind its own keys; those whose name it has already are left out.
    package func adding(_ others: [VerificationKey]) -> JSONWebKeySet {
        JSONWebKeySet(keys: keys + others.filter { self[$0.keyID] == nil }, skipped: skipped)
    }
}
