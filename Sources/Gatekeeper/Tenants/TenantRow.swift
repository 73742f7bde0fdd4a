/// One row of `poolgate.tenants` as the database spells it: text, nothing believed yet.
package struct TenantRow: Hashable, Sendable {
    package var host: String
    package var region: String
    package var poolID: String
    package var additionalRegions: [String]
    package var upstream: String?
    package var upstreamCA: String?
    package var clientIDs: [String]?
    package var tokenUses: [String]
    package var requiredGroups: [String]?
    package var requiredScopes: [String]?
    package var allowUnverifiedEmail: Bool
    package var status: String
    /// Bytes; nil leaves the gateway's own bound.
    package var maxBodyBytes: Int64?
    package var websockets: String
    /// Seconds; nil is none.
    package var websocketGrace: Int64?
    package var secondRegion: String?
    package var secondPoolID: String?
    /// A JSON object: header name to claim.
    package var claimHeaders: String
    package var headerProfile: String
    package var forwardToken: Bool
    package var cookieName: String?
    package var queryParameter: String?
    package var corsOrigins: [String]?
    package var allowPreflights: Bool
    /// Seconds; nil is no bound.
    package var maxTokenAge: Int64?
    /// A JSON array of the host's rows in `poolgate.rules`; nil without any.
    package var rules: String?

    /// A row of the three columns that are enough, everything else at the table's defaults.
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
        self.websockets = "expire"
        self.websocketGrace = nil
        self.claimHeaders = "{}"
        self.headerProfile = "poolgate"
        self.forwardToken = true
        self.allowPreflights = true
    }
}
