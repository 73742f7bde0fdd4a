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
