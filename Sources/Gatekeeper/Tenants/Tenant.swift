import Synchronization

/// A row of `poolgate.tenants` that was parsed once, and never changes.
///
/// A class, because the caches of every loop refer to the same tenant, and tell it from another by one number.
package final class Tenant: Sendable {
    /// A number that no other content of any row has in this process.
    package let version: UInt64
    /// The row's host as it is written, wildcard included: the value of `X-Poolgate-Tenant`.
    package let name: HostPattern
    /// Whether requests are served.
    package let state: State
    /// The pools whose tokens are accepted, the row's own first; their issuers are disjoint.
    package let pools: [TenantPool]
    /// Where requests go; empty where neither the row nor the configuration names one.
    package let upstreams: [Upstream]
    /// App clients accepted, as bytes; nil accepts every client of the pool.
    package let clientIDs: [[UInt8]]?
    /// Kinds of token accepted; never empty.
    package let tokenUses: TokenUses
    /// The caller must be in one of these groups; nil asks for none.
    package let requiredGroups: [[UInt8]]?
    /// The token must have one of these scopes; nil asks for none.
    package let requiredScopes: [[UInt8]]?
    /// Whether the upstream is told an address that Cognito has not verified.
    package let allowsUnverifiedEmail: Bool
    /// The largest body of a request, in bytes; nil leaves the gateway's own bound.
    package let maxBodyBytes: UInt64?
    /// Whether WebSockets are carried; otherwise a handshake is served as a plain request.
    package let carriesWebSockets: Bool
    /// What becomes of an open WebSocket or gRPC call when its token expires.
    package let atExpiry: ExpiryPolicy
    /// What paths ask of callers; empty where every path asks for a token and nothing more.
    package let rules: RuleSet
    /// The cookie in which a token may stand besides `Authorization`; nil is none.
    package let cookieName: [UInt8]?
    /// The query's parameter in which a token may stand besides `Authorization`; nil is none.
    package let queryParameter: [UInt8]?
    /// Whether `Authorization` reaches the upstream.
    package let forwardsToken: Bool
    /// Origins whose pages may read the gateway's refusals, and send a token in a cookie with a request that may change
    /// something; each in its canonical spelling.
    package let corsOrigins: [[UInt8]]
    /// Whether CORS preflights pass without a token.
    package let allowsPreflights: Bool
    /// Seconds after its `iat` for which a token is good at most; nil is no bound.
    package let maxTokenAge: Int64?
    /// Whether the upstream gets an assertion, where the gateway signs any.
    package let sendsAssertion: Bool
    /// For whom that is, in printable ASCII; nil means the upstream's origin.
    package let assertionAudience: [UInt8]?
    /// Claims that the upstream is told in headers of their own.
    let claimHeaders: [ClaimHeader]
    /// Whose identity headers the upstream gets besides ours.
    let headerProfile: HeaderProfile

    /// Whether a row's requests are served at all.
    package enum State: Sendable {
        case active, suspended
    }

    private static let versions = Atomic<UInt64>(1)

    init(_ row: TenantRow, name: HostPattern, pools: [TenantPool], upstreams: [Upstream]) throws(RowFlaw) {
        guard let state = Tenant.states[row.status] else {
            throw RowFlaw("status is '\(row.status)'; write 'active' or 'suspended'")
        }
        var uses: TokenUses = []
        for text in row.tokenUses {
            guard let use = TokenUses(name: text.utf8) else {
                throw RowFlaw("token_uses holds '\(text)'; write only 'access' and 'id'")
            }
            uses.formUnion(use)
        }
        guard !uses.isEmpty else {
            throw RowFlaw("token_uses is empty; write '{access,id}' or one of the two")
        }
        self.version = Tenant.versions.add(1, ordering: .relaxed).newValue
        self.name = name
        self.state = state
        self.pools = pools
        self.upstreams = upstreams
        self.tokenUses = uses
        self.clientIDs = try Tenant.list(row.clientIDs, column: "client_ids")
        self.requiredGroups = try Tenant.list(row.requiredGroups, column: "required_groups")
        self.requiredScopes = try Tenant.list(row.requiredScopes, column: "required_scopes")
        self.allowsUnverifiedEmail = row.allowUnverifiedEmail
        self.maxBodyBytes = row.maxBodyBytes.map { UInt64(max($0, 0)) }
        self.carriesWebSockets = row.websockets
        self.atExpiry = try Tenant.expiryPolicy(row)
        self.rules = try row.rules.map { text throws(RowFlaw) in try RuleParser.rules(text) } ?? .none
        self.cookieName = row.cookieName.map { Array($0.utf8) }
        self.queryParameter = row.queryParameter.map { Array($0.utf8) }
        self.forwardsToken = row.forwardToken
        self.corsOrigins = (row.corsOrigins ?? []).map { WebOrigin($0.utf8)?.canonical ?? Array($0.utf8) }
        self.allowsPreflights = row.allowPreflights
        self.maxTokenAge = row.maxTokenAge
        self.sendsAssertion = row.assertion
        self.assertionAudience = try Tenant.audience(row.assertionAudience)
        self.claimHeaders = try ClaimHeader.all(row.claimHeaders)
        guard let profile = HeaderProfile(rawValue: row.headerProfile) else {
            throw RowFlaw("header_profile is '\(row.headerProfile)', which this gateway does not know")
        }
        self.headerProfile = profile
    }

    /// When the row no longer takes a token, whatever its `exp` says; nil where it takes one of any age. A token that does
    /// not say when it was issued has no age, and is too old at once.
    func ageLimit(issuedAt: Instant?) -> Instant? {
        maxTokenAge.map { issuedAt?.advanced(bySeconds: $0) ?? .distantPast }
    }

    private static let states: [String: State] = ["active": .active, "suspended": .suspended]

    private static func expiryPolicy(_ row: TenantRow) throws(RowFlaw) -> ExpiryPolicy {
        switch row.atExpiry {
        case "close": return .close(graceSeconds: max(row.expiryGrace ?? 0, 0))
        case "outlive": return .outlive
        default: throw RowFlaw("at_expiry is '\(row.atExpiry)'; write 'close' or 'outlive'")
        }
    }

    private static func audience(_ text: String?) throws(RowFlaw) -> [UInt8]? {
        guard let text else { return nil }
        let bytes = Array(text.utf8)
        guard (1...Limits.audienceBytes).contains(bytes.count),
            bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw RowFlaw("assertion_audience is no text of printable ASCII characters without spaces")
        }
        return bytes
    }

    private static func list(_ texts: [String]?, column: String) throws(RowFlaw) -> [[UInt8]]? {
        guard let texts else { return nil }
        guard !texts.isEmpty, texts.allSatisfy({ !$0.isEmpty }) else {
            throw RowFlaw("\(column) is empty or holds an empty text; write NULL to ask for nothing")
        }
        return texts.map { Array($0.utf8) }
    }
}
