package import Gatekeeper
package import HTTPMessage
import NIOCore

/// Everything about the proxy that an operator may set.
package struct ProxySettings: Sendable {
    /// Where clients connect; port 0 lets the system choose.
    package var listenHost: String
    /// Port 0 lets the system choose.
    package var listenPort: Int
    /// Where clients connect with TLS; nil opens no such listener.
    package var tls: TLSListener?
    /// Where proxies ask by HTTP whether requests may pass; nil opens no such listener.
    package var questions: Endpoint?
    /// Where Envoy asks so by gRPC; nil opens no such listener.
    package var externalAuthorization: Endpoint?
    /// Networks from which questions may be asked.
    package var trustedCallers: [AddressRange] = []
    /// What whoever asks may know instead; nil where nothing counts but the network.
    package var callerSecret: Secret?
    /// Whether every connection begins with a PROXY header of version 2.
    package var expectsProxyHeader: Bool
    /// Balancers that are believed about a request's way.
    package var trustedProxies: [AddressRange]
    /// Event loops, at least one.
    package var workers: Int
    /// The bounds of a request's head.
    package var headLimits: HeadLimits
    /// The bounds of the head of an upstream's response.
    package var responseLimits: HeadLimits
    /// Bytes of a request's body; nil for no bound.
    package var maxBodyBytes: UInt64?
    /// Client connections of the process.
    package var maxConnections: Int
    /// Connections from one address; nil for no bound.
    package var maxConnectionsPerAddress: Int?
    /// After so many requests a client's connection is closed.
    package var maxRequestsPerConnection: Int
    /// A client's whole head, from its first byte or from accept.
    package var headTimeout: Duration
    /// A kept-alive client connection between requests.
    package var idleTimeout: Duration
    /// Connections to one upstream, of the process.
    package var maxUpstreamConnections: Int
    /// How long a request waits for one of them.
    package var upstreamWait: Duration
    /// Networks that upstreams must lie in; empty allows every one.
    package var upstreamNetworks: [AddressRange]
    /// The folder of CA files that rows name; nil where there is none.
    package var upstreamAuthorities: String?
    /// Whether the keys that assertions are verified by are shown to every client.
    package var publishesSigningKeys = false
    /// Bytes of verified tokens, for the process.
    package var tokenCacheBytes: Int
    /// Whether each request leaves a record, not only refusals.
    package var recordsEveryRequest: Bool
    /// How traces are recorded; nil for not at all.
    package var traces: TraceSettings?
    /// Descriptors that the process may open.
    package var descriptorLimit: Int

    /// Whether clients may speak HTTP/2: by ALPN, and by prior knowledge in clear.
    package var speaksHTTP2 = true

    /// Where a listener listens.
    package struct Endpoint: Sendable {
        /// The address to listen at.
        package var host: String
        /// The port to listen at; 0 lets the system choose.
        package var port: Int

        /// Listens at `host` and `port`.
        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// Where a listener is to listen; nil where it is not opened.
    func endpoint(of listener: ListenerName) -> Endpoint? {
        switch listener {
        case .proxy: Endpoint(host: listenHost, port: listenPort)
        case .tls: tls.map { Endpoint(host: $0.host, port: $0.port) }
        case .forwardAuth: questions
        case .extAuthz: externalAuthorization
        }
    }

    /// The bounds of a head that comes by a listener of this surface. A question has room for all that a request may be, in
    /// fields of its own, so that it is the request in question that is held to the bounds.
    package func headLimits(of surface: Surface) -> HeadLimits {
        var limits = headLimits
        guard surface != .proxy else { return limits }
        limits.fieldBytes = max(limits.fieldBytes, limits.targetBytes) + Limits.questionFieldBytes
        limits.headBytes += limits.targetBytes + Limits.questionHeadBytes
        limits.targetBytes += Limits.questionFieldBytes
        limits.fieldCount += Limits.questionFields
        return limits
    }

    /// A listener that speaks TLS.
    package struct TLSListener: Sendable {
        /// The address to listen at.
        package var host: String
        /// The port to listen at; 0 lets the system choose.
        package var port: Int
        /// Holds `NAME.crt` and `NAME.key` pairs.
        package var certificateFolder: String

        /// Listens at `host` and `port` with the pairs of `certificateFolder`.
        package init(host: String, port: Int, certificateFolder: String) {
            self.host = host
            self.port = port
            self.certificateFolder = certificateFolder
        }
    }

    /// The defaults of the contract.
    package init() {
        listenHost = "127.0.0.1"
        listenPort = 8080
        tls = nil
        expectsProxyHeader = false
        trustedProxies = []
        workers = System.coreCount
        headLimits = HeadLimits()
        responseLimits = .responses
        maxBodyBytes = nil
        maxConnections = 10_000
        maxConnectionsPerAddress = nil
        maxRequestsPerConnection = 100_000
        headTimeout = .seconds(15)
        idleTimeout = .seconds(75)
        maxUpstreamConnections = 1024
        upstreamWait = .seconds(2)
        upstreamNetworks = []
        upstreamAuthorities = nil
        tokenCacheBytes = 128 * 1024 * 1024
        recordsEveryRequest = false
        traces = nil
        descriptorLimit = 1024
    }
}

extension Duration {
    /// The duration in ticks of a loop's clock, rounded up, at least one.
    var ticks: UInt32 {
        let (seconds, attoseconds) = components
        let whole = UInt32(clamping: max(seconds, 0)).multipliedReportingOverflow(by: Limits.ticksPerSecond)
        guard !whole.overflow else { return .max / 2 }
        let part = attoseconds <= 0 ? 0 : UInt32(attoseconds / 250_000_000_000_000_000) + 1
        return max(1, min(whole.partialValue, .max / 2) + part)
    }
}
