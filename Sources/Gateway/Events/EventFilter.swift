import Foundation

/// What a listener to `/events` asks for in the query: `tenant=HOST`, and `last=N` for so many refusals of before.
struct EventFilter: Equatable, Sendable {
    var tenant: String?
    var last = 0

    /// Reads the query of a target, without its question mark; nil for a query that says nothing of this kind, so that a
    /// misspelt name is not taken for "all tenants".
    init?(query: Substring) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = String(parts[1]).removingPercentEncoding else { return nil }
            switch parts[0] {
            case "tenant" where !value.isEmpty && value.utf8.count <= Limits.eventTenantBytes:
                tenant = value.lowercased()
            case "last":
                guard let number = Digits.number(Array(value.utf8)[...], atMost: Limits.refusalsKept) else {
                    return nil
                }
                last = number
            default: return nil
            }
        }
    }
}
