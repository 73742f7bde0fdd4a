/// One of the places that a tenant's requests go to, with what verifies it.
package struct Upstream: Hashable, Sendable, CustomStringConvertible {
    package let origin: Origin
    /// The CA file that an `https` origin is verified by, by its name without `.pem`; nil means the system's roots.
    package let authority: String?

    /// An authority counts for `https` alone, so that connections in clear are shared by whoever names their origin.
    package init(_ origin: Origin, authority: String? = nil) {
        self.origin = origin
        self.authority = origin.scheme == .https ? authority : nil
    }

    package var description: String { origin.description }
}
