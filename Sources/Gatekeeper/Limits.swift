/// Every bound of this module, with its unit.
package enum Limits {
    /// A host name (RFC 1035 §2.3.4, without the trailing dot).
    package static let hostBytes = 253
    /// One label of a host name.
    package static let hostLabelBytes = 63
    /// A region's name; AWS's longest is far below.
    package static let regionBytes = 32
    /// A pool's id: Cognito's own are at most 55, test emulators use longer ones.
    package static let poolIDBytes = 128
    /// The longest text that is read as the reference to a pool: a URL or ARN that holds its id.
    static let poolReferenceBytes = 1_024
    /// Upstream origins that one row may name.
    package static let upstreamsPerTenant = 32
    /// The name of a CA file.
    package static let authorityNameBytes = 64
    /// A token, header and signature included (JOSE refuses longer ones as well).
    package static let tokenBytes = 16_384
    /// `nbf` and `iat` may lie this far ahead; `exp` gets nothing.
    package static let clockSkewSeconds: Int64 = 30
    /// What one tenant may hold of a full token cache: one part in this many.
    package static let tokenCacheTenantShare = 8
    /// Revocations kept apart from the long list until they are merged into it, at least.
    static let recentRevocations = 4_096
    /// All rules of one host, as text; the database refuses more (`poolgate.host_rules_flaw`).
    static let rulesBytes = 1_000_000
    /// Rules of one host.
    package static let rulesPerTenant = 256
    /// How often an address that may hold a token, such as that of `Referer`, is percent-decoded to look for it.
    static let decodingsOfAddress = 3
    /// The groups or scopes of a token are compared one by one with those asked for, up to so many comparisons; beyond,
    /// by a set.
    static let namesCompared = 256
    /// Claims that one row maps to headers.
    package static let claimHeadersPerTenant = 32
    /// How much of a claim the log is told of a refusal.
    package static let foundBytes = 128
    /// How many of several names it is told.
    package static let foundNames = 8
    /// How long an assertion is good, from its signature on.
    static let assertionLifeSeconds: Int64 = 60
    /// How long it is sent again before another one is signed; and where the loop has no time for that before others had
    /// their turn, how long at most. Whoever gets it then has a quarter of a minute left to look at it.
    static let assertionRenewalSeconds: Int64 = 30
    static let assertionReuseSeconds: Int64 = 45
    /// A row's `assertion_audience`.
    static let audienceBytes = 512
    /// What the assertions that are kept may cost: one part in so many of the budget for remembered tokens, besides it.
    static let assertionShare = 2
    /// Places of forgotten assertions that are kept in their list before it is made shorter.
    static let forgottenAssertions = 1_024
    /// Slots that one eviction looks at before it gives up.
    package static let evictionSteps = 64
    /// Slots of a loop's host cache, by the size of the directory; powers of two.
    package static let hostCacheSlots = 2048...262_144
    /// Slots of that cache, one after another, in which a host may stand.
    package static let hostCacheWindow = 8
}
