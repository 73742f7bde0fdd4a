/// How issuers and key endpoints are spelled: AWS's forms by partition, or the operator's templates.
///
/// Source: Cognito developer guide, "Verifying JSON web tokens"; COGNITO.md, "Issuers and key endpoints".
package struct IssuerForms: Sendable {
    private let issuerTemplate: URLTemplate?
    private let keysTemplate: URLTemplate?

    /// AWS's forms wherever a template is nil.
    package init(issuerTemplate: URLTemplate?, keysTemplate: URLTemplate?) {
        self.issuerTemplate = issuerTemplate
        self.keysTemplate = keysTemplate
    }

    /// Every `iss` by which tokens of `pool` are accepted, as bytes: original, updated and replica forms.
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

    /// Where the keys of `pool` are fetched: below the original issuer, since the updated host answers 403 for
    /// pools that never switched.
    package func keysURL(of pool: PoolName) -> String {
        keysTemplate?.filled(region: pool.region, pool: pool.poolID)
            ?? "https://cognito-idp.\(pool.region).\(pool.region.domainSuffix)/\(pool.poolID)/.well-known/jwks.json"
    }
}
