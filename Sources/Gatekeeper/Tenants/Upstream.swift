/// One of the origins that a tenant's requests go to, and whose certificates are believed there.
package struct Upstream: Hashable, Sendable, CustomStringConvertible {
    /// Where requests go.
    package let origin: Origin
    /// The name, without `.pem`, of the file of authorities that verify an origin with TLS; nil means the system's roots.
    package let authority: String?

    /// An origin, and the authority that verifies it. That is dropped where there is no TLS, so that rows which name one origin share
    /// its connections, whatever authority they name.
    package init(_ origin: Origin, authority: String? = nil) {
        self.origin = origin
        self.authority = origin.scheme.isSecure ? authority : nil
    }

    /// The origin alone.
    package var description: String { origin.description }
}
