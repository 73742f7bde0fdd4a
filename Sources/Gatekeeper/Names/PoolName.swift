/// A user pool's name in the gateway: its region and id. Keys are fetched, kept and trusted for one name alone.
package struct PoolName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The region in which the pool was made.
    package let region: Region
    /// The id that Cognito gave it, which begins with the region.
    package let poolID: PoolID

    /// The pool `poolID` in `region`; nil where the id begins with another region.
    package init?(region: Region, poolID: PoolID) {
        guard region.description.utf8.elementsEqual(poolID.regionPrefix.utf8) else { return nil }
        self.region = region
        self.poolID = poolID
    }

    /// `eu-west-1/eu-west-1_abc`.
    package var description: String { "\(region)/\(poolID)" }

    /// Whether `left` comes before `right`: by region, then by id.
    package static func < (left: PoolName, right: PoolName) -> Bool {
        (left.region, left.poolID) < (right.region, right.poolID)
    }
}
