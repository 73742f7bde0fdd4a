/// What a judgement comes to.
package enum Verdict {
    case admit(Admission)
    /// The resolved tenant is nil where no tenant was found.
    case refuse(Refusal, ResolvedTenant?)
    /// Nobody can say until the pool was asked for this key; judge again with its answer.
    case needsKey(WantedKey, ResolvedTenant)
    /// The token is not remembered and the allowance is used up: judge again when it is this tenant's turn.
    case mustWait(ResolvedTenant)
}
