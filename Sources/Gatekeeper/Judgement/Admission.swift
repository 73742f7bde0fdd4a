/// What is known of a request that may pass: its tenant, its verified caller, and how its path goes upstream.
package struct Admission {
    /// The tenant that the host led to.
    package let resolved: ResolvedTenant
    /// Who is calling; nil where the path needs no token, and none was looked at or none came.
    package let identity: Identity?
    /// Whether it is a CORS preflight that passes without a token, as the row allows.
    package var isPreflight = false
    /// The path that goes upstream, in its normal form and without the query; nil where that is the request's own.
    package var path: [UInt8]?
    /// The id of the rule in shadow that would have refused the request, and how; nil where there is none.
    package var wouldRefuse: (rule: Int64, refusal: Refusal)?

    /// The names of fields that are removed from the request, besides those that are removed from every request.
    package var stripped: StrippedNames {
        isPreflight ? resolved.strippedFromPreflights : resolved.stripped
    }
}
