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

/// A URL in which `{region}` and `{pool}` are filled in, wherever and however often they stand.
package struct URLTemplate: Sendable, Equatable {
    private let text: String

    /// Takes an absolute `http` or `https` URL of printable ASCII; nil for anything else.
    package init?(_ text: String) {
        let rest: Substring.UTF8View
        if text.utf8.starts(with: "https://".utf8) {
            rest = text.utf8.dropFirst(8)
        } else if text.utf8.starts(with: "http://".utf8) {
            rest = text.utf8.dropFirst(7)
        } else {
            return nil
        }
        guard let first = rest.first, first != UInt8(ascii: "/"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return nil }
        self.text = text
    }

    package var isPlainHTTP: Bool { text.utf8.starts(with: "http://".utf8) }

    /// The authority's host, brackets and port left out.
    package var host: String {
        let authority = text.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2).prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        if authority.first == UInt8(ascii: "[") {
            return String(decoding: authority.dropFirst().prefix { $0 != UInt8(ascii: "]") }, as: UTF8.self)
        }
        return String(decoding: authority.prefix { $0 != ASCII.colon }, as: UTF8.self)
    }

    func filled(region: Region, pool: PoolID) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            if rest.starts(with: "{region}".utf8) {
                result += region.description.utf8
                rest = rest.dropFirst(8)
            } else if rest.starts(with: "{pool}".utf8) {
                result += pool.description.utf8
                rest = rest.dropFirst(6)
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
