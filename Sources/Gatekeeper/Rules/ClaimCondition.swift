import JOSE

/// What a rule asks of one claim.
struct ClaimCondition: Sendable, Hashable {
    let claim: ClaimPath
    /// The claim must be one of these, or an array that holds one of them; where `needsAll`, an array that holds all.
    let values: [ClaimScalar]
    let needsAll: Bool

    /// The condition in words.
    var description: String {
        "claim \(claim.text) \(needsAll ? "with all of" : "one of") \(values.map(\.text).joined(separator: ", "))"
    }

    /// Whether a token with these claims meets the condition.
    func holds(in claims: JSONObject) -> Bool {
        guard let value = claim.value(in: claims) else { return false }
        let elements = (value.array ?? [value]).compactMap(ClaimScalar.init)
        let found = claim.isVerification ? elements.map(\.asFlag) : elements
        return needsAll
            ? values.allSatisfy { found.contains($0) } : values.contains { found.contains($0) }
    }
}
