/// What a rule's needs come to for one caller.
enum RuleChecks {
    /// What the caller lacks of what `rule` asks for: groups first, then scopes, then claims; nil where it may pass.
    static func refusal(by rule: Rule, of identity: Identity) -> Refusal? {
        if !HeldNames.holdsAny(identity.groups, of: rule.requiredGroups)
            || !HeldNames.holdsAll(identity.groups, of: rule.everyGroup)
        {
            return .credential(.missingGroup)
        }
        if !HeldNames.holdsAny(identity.scopes, of: rule.requiredScopes)
            || !HeldNames.holdsAll(identity.scopes, of: rule.everyScope)
        {
            return .credential(.missingScope)
        }
        return rule.claims.allSatisfy { identity.meets.contains($0) } ? nil : .credential(.missingClaim)
    }
}
