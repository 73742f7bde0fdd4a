/// Compares what a rule asks for with what a caller has.
enum RuleChecks {
    /// Of what a rule asks for, the first that a caller does not have.
    enum Lack {
        case group, scope, claim

        /// How a caller that lacks it is refused.
        var refusal: Refusal {
            switch self {
            case .group: .credential(.missingGroup)
            case .scope: .credential(.missingScope)
            case .claim: .credential(.missingClaim)
            }
        }
    }

    /// What the caller lacks of what `rule` asks for: groups are looked at first, then scopes, then claims. Nil where
    /// it has all.
    static func lack(of identity: Identity, by rule: Rule) -> Lack? {
        if !HeldNames.holdsAny(identity.groups, of: rule.requiredGroups)
            || !HeldNames.holdsAll(identity.groups, of: rule.everyGroup)
        {
            return .group
        }
        if !HeldNames.holdsAny(identity.scopes, of: rule.requiredScopes)
            || !HeldNames.holdsAll(identity.scopes, of: rule.everyScope)
        {
            return .scope
        }
        return rule.claims.allSatisfy { identity.metConditions.contains($0) } ? nil : .claim
    }
}
