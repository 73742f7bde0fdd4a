/// A user pool as one tenant accepts it.
///
/// A class, because tenants of one pool share it: 100,000 tenants often have a few thousand pools.
package final class TenantPool: Sendable {
    /// The pool's name.
    package let key: PoolName
    /// Every `iss` that means this pool here, compared byte by byte.
    package let issuers: [[UInt8]]

    init(key: PoolName, issuers: [[UInt8]]) {
        self.key = key
        self.issuers = issuers
    }

    /// Whether `issuer` is one of them.
    func accepts(issuer: some Sequence<UInt8>) -> Bool {
        issuers.contains { $0.elementsEqual(issuer) }
    }
}
