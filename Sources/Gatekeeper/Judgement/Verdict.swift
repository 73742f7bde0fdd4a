/// What a judgement comes to.
package enum Verdict {
    /// The request goes upstream.
    case admit(Admission)
    /// The request is not forwarded; the tenant is nil where the host leads to none.
    case refuse(Refusal, ResolvedTenant?)
    /// The judgement needs this key. Whoever asked gets it from the pool, and has the request judged again with what the
    /// pool's actor said.
    case needsKey(WantedKey, ResolvedTenant)
    /// The token's signature must be verified, and the allowance for that is used up. Whoever asked has the request
    /// judged again when it is this tenant's turn.
    case mustWait(ResolvedTenant)
}
