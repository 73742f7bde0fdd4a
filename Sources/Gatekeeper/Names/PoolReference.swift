import HTTPMessage

/// Which pool a person means, in whatever form a pool is printed anywhere: by the gateway, in a token or by AWS.
package enum PoolReference {
    /// The forms, for help and for the sentence that says that a text has none of them.
    package static let forms =
        "eu-west-1_PwMfVzLQg, eu-west-1/eu-west-1_PwMfVzLQg, the issuer's URL that ends in it, or its ARN"

    /// The pool that the text names; nil for any other text. White space around it, and a URL's further path (such as that
    /// of its keys), query and fragment count for nothing.
    package static func pool(_ text: String) -> PoolName? {
        let words = text.utf8.split { $0 <= 0x20 }
        guard words.count == 1, let word = words.first, word.count <= Limits.poolReferenceBytes else {
            return nil
        }
        let name = String(decoding: word, as: UTF8.self)
        if name.utf8.starts(with: "arn:".utf8) { return pool(arn: name) }
        if name.utf8.starts(with: "https://".utf8) || name.utf8.starts(with: "http://".utf8) {
            return pool(url: name)
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return pool(id: name, region: nil)
        case 2: return pool(id: parts[1], region: parts[0])
        default: return nil
        }
    }

    /// `arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID` (AWS Service Authorization Reference, "Amazon Cognito User Pools").
    private static func pool(arn: String) -> PoolName? {
        let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[2] == "cognito-idp" else { return nil }
        let resource = parts[5].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard resource.count == 2, resource[0] == "userpool" else { return nil }
        return pool(id: resource[1], region: parts[3])
    }

    /// A URL in whose path one segment is a pool's id.
    private static func pool(url: String) -> PoolName? {
        let path = url.prefix { $0 != "?" && $0 != "#" }.split(separator: "/").dropFirst(2)
        let pools = path.compactMap { pool(id: String($0), region: nil) }
        return pools.count == 1 ? pools.first : nil
    }

    private static func pool(id: String, region: String?) -> PoolName? {
        guard let poolID = PoolID(id), let region = Region(region ?? String(poolID.regionPrefix)) else {
            return nil
        }
        return PoolName(region: region, poolID: poolID)
    }
}
