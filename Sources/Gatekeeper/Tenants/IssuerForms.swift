/// How the issuers of pools and the URLs of their keys are written: in AWS's forms, or by the operator's templates.
///
/// AWS's forms are those of the Cognito developer guide, "Verifying JSON web tokens"; see also Sources/README.md, "Facts
/// about Cognito".
package struct IssuerForms: Sendable {
    private let issuerTemplate: URLTemplate?
    private let keysTemplate: URLTemplate?

    /// The forms that these templates give; AWS's own where a template is nil.
    package init(issuerTemplate: URLTemplate?, keysTemplate: URLTemplate?) {
        self.issuerTemplate = issuerTemplate
        self.keysTemplate = keysTemplate
    }

    /// Every `iss` by which tokens of `pool` are accepted, as bytes: the form of its own region and of each replica's
    /// region and, without a template, the form that a pool has after its issuer was updated.
    package func issuers(of pool: PoolName, additionalRegions: [Region]) -> [[UInt8]] {
        var accepted: [String] = []
        for region in [pool.region] + additionalRegions {
            if let issuerTemplate {
                accepted.append(issuerTemplate.filled(region: region, pool: pool.poolID))
            } else {
                accepted.append("https://cognito-idp.\(region).\(region.domainSuffix)/\(pool.poolID)")
            }
        }
        if issuerTemplate == nil {
            accepted.append(
                "https://issuer-cognito-idp.\(pool.region).\(pool.region.domainSuffix)/\(pool.poolID)")
        }
        return accepted.map { Array($0.utf8) }
    }

    /// The URL of `pool`'s keys: below the issuer of its region, because below the updated issuer AWS answers 403 for
    /// pools whose issuer was never updated.
    package func keysURL(of pool: PoolName) -> String {
        keysTemplate?.filled(region: pool.region, pool: pool.poolID)
            ?? "https://cognito-idp.\(pool.region).\(pool.region.domainSuffix)/\(pool.poolID)/.well-known/jwks.json"
    }

    /// The same URL as it may be shown: without what an operator may have put into a template as a secret, the user name
    /// with its password, and the query.
    package func shownKeysURL(of pool: PoolName) -> String {
        let url = keysURL(of: pool).prefix { $0 != "?" && $0 != "#" }
        guard let mark = url.utf8.firstIndex(of: UInt8(ascii: ":")) else { return String(url) }
        let authority = url[mark...].dropFirst(3).prefix { $0 != "/" }
        guard let end = authority.utf8.lastIndex(of: UInt8(ascii: "@")) else { return String(url) }
        return "\(url[..<mark])://\(url[url.utf8.index(after: end)...])"
    }
}
