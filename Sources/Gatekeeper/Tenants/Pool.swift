/// An AWS region's name, such as `eu-west-1`; what it may look like is `Region.init`'s to say.
package struct Region: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String

    /// Parses lower-case letters, digits and single hyphens, ending in a hyphen and digits; nil for anything else.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Limits.regionBytes else { return nil }
        let parts = bytes.split(separator: ASCII.hyphen, omittingEmptySubsequences: false)
        guard parts.count >= 3, let last = parts.last, ASCII.decimal(last, maximumDigits: 2) != nil,
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { ASCII.isLower($0) || ASCII.isDigit($0) } }),
            parts[0].allSatisfy(ASCII.isLower)
        else { return nil }
        self.description = text
    }

    /// The DNS suffix of the region's partition.
    package var domainSuffix: String {
        for (prefix, suffix) in Region.partitions where description.utf8.starts(with: prefix.utf8) {
            return suffix
        }
        return "amazonaws.com"
    }

    /// Beginnings of regions' names and the suffixes of their partitions, as `partitions.json` of the AWS SDKs has
    /// them; every other region, `us-gov-` among them, is below `amazonaws.com`.
    private static let partitions = [
        ("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"), ("us-isof-", "csp.hci.ic.gov"), ("eu-isoe-", "cloud.adc-e.uk"),
    ]

    package static func < (left: Region, right: Region) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

/// A user pool's id, `{region}_{letters and digits}` (Cognito `CreateUserPool`, `Id`).
package struct PoolID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let description: String

    /// Parses an id; nil where it has another shape. The region it begins with is not checked here.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Limits.poolIDBytes, let mark = bytes.firstIndex(of: ASCII.underscore) else {
            return nil
        }
        let name = bytes[(mark + 1)...]
        guard Region(String(decoding: bytes[..<mark], as: UTF8.self)) != nil,
            !name.isEmpty, name.allSatisfy(ASCII.isLetterOrDigit)
        else { return nil }
        self.description = text
    }

    /// The region that the id begins with: the pool's primary region.
    package var regionPrefix: Substring {
        description.prefix { $0 != "_" }
    }

    package static func < (left: PoolID, right: PoolID) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

/// What names one user pool everywhere: keys are fetched, cached and trusted under it and never shared.
package struct PoolName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let region: Region
    package let poolID: PoolID

    /// The pool `poolID` in `region`; nil where the id begins with another region.
    package init?(region: Region, poolID: PoolID) {
        guard region.description.utf8.elementsEqual(poolID.regionPrefix.utf8) else { return nil }
        self.region = region
        self.poolID = poolID
    }

    /// `eu-west-1/eu-west-1_abc`.
    package var description: String { "\(region)/\(poolID)" }

    package static func < (left: PoolName, right: PoolName) -> Bool {
        (left.region, left.poolID) < (right.region, right.poolID)
    }
}
