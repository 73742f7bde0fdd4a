/// Which headers the rows of an upstream's tenants map claims to.
///
/// A service trusts such a header whichever of its tenants a request is for, so that what a client sends under its name
/// must reach it for none of them.
struct MappedHeaders: Sendable {
    /// How many rows map something to a name.
    private var counts: [Origin: [[UInt8]: Int]] = [:]

    /// Whether a tenant that comes can change anything here. Where nothing is mapped, the one that goes, of which this is
    /// not told, did not map anything either.
    func concerns(_ new: Tenant?) -> Bool {
        !counts.isEmpty || new?.claimHeaders.isEmpty == false
    }

    /// Counts the headers of a tenant that takes another's place; nil where no tenant stands there before, or after.
    mutating func replace(_ old: Tenant?, with new: Tenant?) {
        count(old, -1)
        count(new, 1)
    }

    private mutating func count(_ tenant: Tenant?, _ step: Int) {
        guard let tenant, !tenant.claimHeaders.isEmpty else { return }
        for upstream in tenant.upstreams {
            var names = counts[upstream.origin] ?? [:]
            for header in tenant.claimHeaders {
                let count = names[header.collapsedName, default: 0] + step
                names[header.collapsedName] = count > 0 ? count : nil
            }
            counts[upstream.origin] = names.isEmpty ? nil : names
        }
    }

    /// The collapsed names that any row with one of these upstreams maps a claim to.
    func names(for upstreams: [Upstream]) -> Set<[UInt8]> {
        guard !counts.isEmpty else { return [] }
        return upstreams.reduce(into: []) { $0.formUnion(counts[$1.origin].map { Array($0.keys) } ?? []) }
    }
}
