/// A row of `poolgate.tenants` as the database writes it, not parsed yet. Every column is told in sql/README.md.
package struct TenantRow: Hashable, Sendable {
    /// A host, or `*.` and a host below which all are meant.
    package var host: String
    /// The AWS region of the pool.
    package var region: String
    /// The id of the pool, as Cognito gave it.
    package var poolID: String
    /// Regions of the pool's replicas, whose issuers are accepted too.
    package var additionalRegions: [String]
    /// Origins with single spaces between them; nil leaves the gateway's own.
    package var upstream: String?
    /// The name of the CA file that verifies the upstream; nil means the system's roots.
    package var upstreamCA: String?
    /// App clients whose tokens are accepted; nil accepts every one of the pool.
    package var clientIDs: [String]?
    /// `access`, `id` or both.
    package var tokenUses: [String]
    /// Groups of which a caller needs one; nil asks for none.
    package var requiredGroups: [String]?
    /// Scopes of which a token needs one; nil asks for none.
    package var requiredScopes: [String]?
    /// Whether the upstream is told an address that Cognito has not verified.
    package var allowUnverifiedEmail: Bool
    /// `active` or `suspended`.
    package var status: String
    /// Bytes; nil leaves the gateway's own bound.
    package var maxBodyBytes: Int64?
    /// Whether WebSockets are carried.
    package var websockets: Bool
    /// `close` or `outlive`: what becomes of open WebSockets and gRPC calls when their token expires.
    package var atExpiry: String
    /// Seconds for which they may outlive it under `close`; nil is none.
    package var expiryGrace: Int64?
    /// The region of a second pool whose tokens are accepted; nil where there is none.
    package var secondRegion: String?
    /// The id of that pool.
    package var secondPoolID: String?
    /// A JSON object: header name to claim.
    package var claimHeaders: String
    /// `poolgate`, `oauth2-proxy`, `alb` or `authelia`: whose identity headers the upstream gets.
    package var headerProfile: String
    /// Whether `Authorization` reaches the upstream.
    package var forwardToken: Bool
    /// The cookie in which a token may stand; nil is none.
    package var cookieName: String?
    /// The query's parameter in which a token may stand; nil is none.
    package var queryParameter: String?
    /// Origins whose pages may read the gateway's refusals, and send a cookie's token with what changes something.
    package var corsOrigins: [String]?
    /// Whether CORS preflights pass without a token.
    package var allowPreflights: Bool
    /// Seconds after its `iat` for which a token is good at most; nil is no bound.
    package var maxTokenAge: Int64?
    /// Whether the upstream gets an assertion, where the gateway signs any.
    package var assertion: Bool
    /// For whom that is; nil means the upstream's origin.
    package var assertionAudience: String?
    /// A JSON array of the host's rows in `poolgate.rules`; nil without any.
    package var rules: String?

    /// A row with the three columns that have no default; the others have the table's defaults.
    package init(host: String, region: String, poolID: String) {
        self.host = host
        self.region = region
        self.poolID = poolID
        self.additionalRegions = []
        self.upstream = nil
        self.upstreamCA = nil
        self.clientIDs = nil
        self.tokenUses = ["access", "id"]
        self.requiredGroups = nil
        self.requiredScopes = nil
        self.allowUnverifiedEmail = false
        self.status = "active"
        self.maxBodyBytes = nil
        self.websockets = true
        self.atExpiry = "close"
        self.expiryGrace = nil
        self.claimHeaders = "{}"
        self.headerProfile = "poolgate"
        self.forwardToken = true
        self.allowPreflights = true
        self.assertion = true
    }
}
