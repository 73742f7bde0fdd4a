/// For whom an assertion is.
package enum AssertionAudience: Hashable, Sendable {
    /// The one of the row: its `assertion_audience`, else its upstream's origin. Where it has several and nobody has
    /// chosen yet, each of them may take it; where it has none, the row's host is meant.
    case row
    /// The upstream at this place of the row's list, where it names several.
    case upstream(Int)

    /// `aud` of an assertion (RFC 7519 §4.1.3), as JSON.
    func value(in tenant: Tenant) -> [UInt8] {
        if let named = tenant.assertionAudience { return JSONText.string(named) }
        let origins = tenant.upstreams.map { Array($0.origin.shortDescription.utf8) }
        if case .upstream(let place) = self, origins.indices.contains(place) {
            return JSONText.string(origins[place])
        }
        guard let first = origins.first else { return JSONText.string(tenant.name.description.utf8) }
        return origins.count == 1 ? JSONText.string(first) : JSONText.array(origins)
    }
}
