/// Compares what a rule asks for with what a caller has.
enum RuleChecks {
    /// How `rule` refuses the caller: for its groups first, then for its scopes, then for its claims; nil where it has
    /// all that the rule asks for.
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
