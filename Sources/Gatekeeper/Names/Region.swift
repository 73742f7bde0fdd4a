import HTTPMessage

/// An AWS region's name, such as `eu-west-1`.
package struct Region: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// As AWS writes it.
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

    /// The DNS suffix of the region's partition, such as `amazonaws.com`; without a dot before it.
    package var domainSuffix: String {
        for (prefix, suffix) in Region.partitions where description.utf8.starts(with: prefix.utf8) {
            return suffix
        }
        return "amazonaws.com"
    }

    /// How regions' names begin in the partitions of AWS, and the DNS suffixes there, from `partitions.json` of the AWS
    /// SDKs. Every other region, those of `us-gov-` among them, is below `amazonaws.com`.
    private static let partitions = [
        ("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"), ("us-isof-", "csp.hci.ic.gov"), ("eu-isoe-", "cloud.adc-e.uk"),
    ]

    /// Whether `left` comes before `right` by its bytes.
    package static func < (left: Region, right: Region) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}
