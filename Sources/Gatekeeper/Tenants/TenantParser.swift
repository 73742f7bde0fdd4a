import HTTPMessage

/// Makes tenants of rows. Tenants of one pool share what the pool's name leads to, and those of one upstream that.
package struct TenantParser: Sendable {
    private let issuerForms: IssuerForms
    private let defaultUpstreams: [Origin]
    private var pools: [PoolShape: TenantPool] = [:]
    private var upstreams: [UpstreamShape: [Upstream]] = [:]

    /// A pool as rows write it, so that its name and issuers are made once, for the first row that has it.
    private struct PoolShape: Hashable {
        let region: String
        let poolID: String
        let additionalRegions: [String]
    }

    private struct UpstreamShape: Hashable {
        let text: String?
        let authority: String?
    }

    /// Rows without an upstream go to `defaultUpstreams`, which may be empty.
    package init(issuerForms: IssuerForms, defaultUpstreams: [Origin]) {
        self.issuerForms = issuerForms
        self.defaultUpstreams = defaultUpstreams
    }

    /// Parses one row; throws the sentence that says what is wrong with it.
    package mutating func tenant(_ row: TenantRow) throws(RowFlaw) -> Tenant {
        guard let name = HostPattern(row.host) else {
            throw RowFlaw("host '\(row.host)' is no lower-case host name without port")
        }
        var pools = [try pool(row.region, row.poolID, row.additionalRegions)]
        if let region = row.secondRegion, let poolID = row.secondPoolID {
            pools.append(try pool(region, poolID, []))
            guard pools[0].key != pools[1].key else { throw RowFlaw("the second pool is the first") }
        }
        let upstreams = try upstreams(of: row)
        return try Tenant(row, name: name, pools: pools, upstreams: upstreams)
    }

    /// Forgets what rows shared. Done before a full load, so that what no row names any longer leaves the memory.
    package mutating func startOver() {
        pools = [:]
        upstreams = [:]
    }

    private mutating func pool(
        _ regionText: String, _ poolIDText: String, _ additionalRegions: [String]
    ) throws(RowFlaw) -> TenantPool {
        let shape = PoolShape(region: regionText, poolID: poolIDText, additionalRegions: additionalRegions)
        if let known = pools[shape] { return known }
        guard let region = Region(regionText) else {
            throw RowFlaw("region '\(regionText)' is no AWS region")
        }
        guard let poolID = PoolID(poolIDText) else {
            throw RowFlaw("pool_id '\(poolIDText)' is not of the form region_LettersAndDigits")
        }
        guard let key = PoolName(region: region, poolID: poolID) else {
            throw RowFlaw(
                "pool_id '\(poolID)' belongs to region '\(poolID.regionPrefix)', the row says '\(region)'")
        }
        var additional: [Region] = []
        for text in additionalRegions {
            guard let extra = Region(text), extra != region else {
                throw RowFlaw("additional_regions holds '\(text)', which is no other AWS region")
            }
            additional.append(extra)
        }
        let pool = TenantPool(key: key, issuers: issuerForms.issuers(of: key, additionalRegions: additional))
        pools[shape] = pool
        return pool
    }

    private mutating func upstreams(of row: TenantRow) throws(RowFlaw) -> [Upstream] {
        let shape = UpstreamShape(text: row.upstream, authority: row.upstreamCA)
        if let known = upstreams[shape] { return known }
        let parsed = try TenantParser.upstreams(row.upstream, defaultUpstreams, authority: row.upstreamCA)
        upstreams[shape] = parsed
        return parsed
    }

    private static func upstreams(
        _ text: String?, _ defaults: [Origin], authority: String?
    ) throws(RowFlaw) -> [Upstream] {
        if let authority, !isAuthorityName(authority) {
            throw RowFlaw("upstream_ca '\(authority)' is no name of lower-case letters, digits and hyphens")
        }
        guard let text else { return defaults.map { Upstream($0, authority: authority) } }
        guard let parsed = Origin.list(text) else {
            throw RowFlaw(
                "upstream '\(text)' is no list of http:// or https:// origins separated by single spaces")
        }
        return parsed.map { Upstream($0, authority: authority) }
    }

    private static func isAuthorityName(_ name: String) -> Bool {
        (1...Limits.authorityNameBytes).contains(name.utf8.count)
            && name.utf8.allSatisfy { ASCII.isLower($0) || ASCII.isDigit($0) || $0 == ASCII.hyphen }
    }
}
