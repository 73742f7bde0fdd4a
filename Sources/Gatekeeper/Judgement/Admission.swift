/// A request that may pass: its tenant, its verified caller, and the path by which it was judged.
package struct Admission {
    package let resolved: ResolvedTenant
    /// Nil where nobody had to say who is calling, and nobody did.
    package let identity: Identity?
    /// Whether it is a CORS preflight that nobody's token was asked for.
    package var isPreflight = false
    /// The path in its normal form, which goes upstream; nil where the request's own is that.
    package var path: [UInt8]?
    /// The rule in shadow that would have refused it, by its id, and how.
    package var wouldRefuse: (rule: Int64, refusal: Refusal)?

    /// Header names that are removed from the request besides those removed from all.
    package var stripped: StrippedNames {
        isPreflight ? resolved.strippedFromPreflights : resolved.stripped
    }
}
