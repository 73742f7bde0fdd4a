package import HTTP1
import NIOCore

/// Everything about the proxy that an operator may set.
package struct ProxySettings: Sendable {
    /// Where clients connect; port 0 lets the system choose.
    package var listenHost: String
    package var listenPort: Int
    /// Event loops, at least one.
    package var workers: Int
    package var headLimits: HeadLimits
    /// Bytes of a request's body; nil for no bound.
    package var maxBodyBytes: UInt64?
    /// Networks that upstreams must lie in; empty allows every one.
    package var upstreamNetworks: [AddressRange]
    /// Bytes of verified tokens, for the process.
    package var tokenCacheBytes: Int
    /// Whether each request leaves a record, not only refusals.
    package var recordsEveryRequest: Bool
    /// Descriptors that the process may open.
    package var descriptorLimit: Int

    /// The defaults of CONTRACT.md.
    package init() {
        listenHost = "127.0.0.1"
        listenPort = 8080
        workers = System.coreCount
        headLimits = HeadLimits()
        maxBodyBytes = nil
        upstreamNetworks = []
        tokenCacheBytes = 128 * 1024 * 1024
        recordsEveryRequest = false
        descriptorLimit = 1024
    }
}
